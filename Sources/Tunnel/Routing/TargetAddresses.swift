import Basics
import EventIO

/// The addresses of a service's targets, in the order in which to try them.
///
/// Numeric addresses and paths are known from the beginning. Names are resolved off the loop and cached for a few seconds, so
/// that a change takes effect soon and a thousand streams do not cause a thousand lookups.
final class TargetAddresses {
    private let endpoints: [Endpoint]
    private let failover: Failover
    private unowned let loop: EventLoop
    /// The known addresses of each endpoint.
    private var known: [[SocketAddress]]
    private let isNumeric: [Bool]
    private var lookedUpAt: Instant?
    private var lookups = 0
    private var waiting: [([SocketAddress]) -> Void] = []
    private var next = 0

    /// The time that an address is used before its name is resolved again.
    ///
    /// Larger: streams still go to a target that has moved. Smaller: only more lookups.
    private static let lifetime = Duration.seconds(5)

    init(_ service: ServiceConfiguration, loop: EventLoop) {
        endpoints = service.targets
        failover = service.failover
        self.loop = loop
        known = endpoints.map { Self.numeric($0).map { [$0] } ?? [] }
        isNumeric = known.map { !$0.isEmpty }
    }

    /// Calls back with the addresses: at once if they are known, and with none if no name has any.
    func find(_ completion: @escaping ([SocketAddress]) -> Void) {
        if isFresh {
            completion(ordered())
            return
        }
        waiting.append(completion)
        guard lookups == 0 else { return }
        for (index, endpoint) in endpoints.enumerated() where !isNumeric[index] {
            lookups += 1
            loop.resolve(endpoint) { [weak self] result in self?.answer(index, result) }
        }
    }

    private var isFresh: Bool {
        isNumeric.allSatisfy { $0 }
            || lookedUpAt.map { loop.now.duration(since: $0) < Self.lifetime } ?? false
    }

    private func answer(_ index: Int, _ result: Result<[SocketAddress], ResolveFailure>) {
        lookups -= 1
        // A name that cannot be resolved now keeps its previous addresses.
        if case .success(let addresses) = result { known[index] = addresses }
        guard lookups == 0 else { return }
        lookedUpAt = known.contains { !$0.isEmpty } ? loop.now : nil
        let completions = waiting
        waiting = []
        for completion in completions { completion(ordered()) }
    }

    private func ordered() -> [SocketAddress] {
        guard failover == .roundRobin, endpoints.count > 1 else {
            return known.count == 1 ? known[0] : known.flatMap { $0 }
        }
        let first = next % endpoints.count
        next += 1
        return (known[first...] + known[..<first]).flatMap { $0 }
    }

    private static func numeric(_ endpoint: Endpoint) -> SocketAddress? {
        switch endpoint {
        case .tcp(let host, let port): SocketAddress(numericHost: host, port: port)
        case .unix(let path): SocketAddress(unixPath: path)
        }
    }
}
