import EventIO
import Platform
import ProtocolCoreTesting
import Testing
import Vocabulary

@testable import Tunnel

/// The rules that every `TunnelConfiguration` has passed.
@Suite struct ConfigurationCheckTests {
    private static let server = ServerConfiguration(
        listen: [.tcp(host: "", port: 7443)],
        passwordFile: "/etc/passwords"
    )
    private static let service = ServiceConfiguration(
        name: "web",
        targets: [.tcp(host: "127.0.0.1", port: 80)]
    )
    private static let peer = PeerConfiguration(
        name: "office",
        addresses: [.tcp(host: "example.com", port: 7443)],
        user: .placeholder,
        password: .file(path: "/etc/password")
    )
    private static let route = RouteConfiguration(
        name: "web",
        accept: [.tcp(host: "127.0.0.1", port: 8080)],
        peer: "office"
    )

    /// The faults of a valid configuration after some of its parts were changed.
    private func faults(
        limits: ProcessLimits = ProcessLimits(),
        server: ServerConfiguration? = Self.server,
        service: ServiceConfiguration = Self.service,
        peer: PeerConfiguration = Self.peer,
        route: RouteConfiguration = Self.route
    ) -> [ConfigurationFault] {
        do {
            _ = try TunnelConfiguration(
                limits: limits,
                server: server,
                services: [service],
                peers: [peer],
                routes: [route]
            )
            return []
        } catch {
            return error.faults
        }
    }

    private func changed<Part>(_ part: Part, _ change: (inout Part) -> Void) -> Part {
        var part = part
        change(&part)
        return part
    }

    @Test func defaultsAreWithinTheirRanges() {
        #expect(faults().isEmpty)
        for memory in [1, 1 << 20, 1 << 30, .max] {
            let machine = MachineSize(cores: memory, memory: memory)
            #expect(ProcessLimits.memoryRange.contains(ProcessLimits.defaultMemory(of: machine)))
            #expect(
                TunnelConfiguration.workersRange.contains(TunnelConfiguration.defaultWorkers(of: machine))
            )
        }
        #expect(TunnelConfiguration.defaultBusyPoll(of: MachineSize(cores: 2, memory: 1 << 30)))
        let withQuota = MachineSize(cores: 2, memory: 1 << 30, hasCPUQuota: true)
        #expect(!TunnelConfiguration.defaultBusyPoll(of: withQuota))
        #expect(MachineSize.current.cores >= 1)
        #expect(MachineSize.current.memory > 1 << 20)
    }

    @Test func aRouteLeadsToTheServiceOfItsOwnNameByDefault() {
        #expect(Self.route.service == "web")
        #expect(RouteConfiguration(name: "a", accept: [], peer: "b", service: "c").service == "c")
    }

    @Test func everyFaultIsReportedNotOnlyTheFirst() {
        let peer = changed(Self.peer) {
            $0.addresses = []
            $0.links = .fixed(0)
            $0.connectTimeout = .zero
        }
        #expect(faults(peer: peer).map(\.setting) == [.address, .links, .connectTimeout])
        #expect(faults(peer: peer).allSatisfy { $0.part == .peer(0) })
    }

    @Test func rangesIncludeTheirEnds() {
        for value in [ProcessLimits.maxLinksRange.lowerBound, ProcessLimits.maxLinksRange.upperBound] {
            #expect(faults(limits: ProcessLimits(maxLinks: value)).isEmpty)
        }
        #expect(
            faults(limits: ProcessLimits(maxLinks: 0)).map(\.problem) == [
                .count(0, outside: ProcessLimits.maxLinksRange)
            ]
        )
        #expect(faults(limits: ProcessLimits(memory: .min)).count == 1)
    }

    @Test func aTimeIsAWholeNumberOfMilliseconds() {
        let peer = changed(Self.peer) { $0.connectTimeout = .microseconds(1_000_001) }
        #expect(faults(peer: peer).map(\.setting) == [.connectTimeout])
    }

    @Test func recordsAreNotSmallerThanChunks() {
        let server = changed(Self.server) {
            $0.link.chunk = 4096
            $0.link.maxRecord = 4095
        }
        #expect(faults(server: server).map(\.setting) == [.maxRecord])
    }

    @Test func aWindowDoesNotStartLargerThanItMayGrow() {
        let server = changed(Self.server) { $0.link.window = .init(initial: 1 << 20, maximum: 1 << 19) }
        #expect(faults(server: server).map(\.setting) == [.window])
    }

    @Test func aSilentLinkIsGivenUpOnlyAfterAPing() {
        let server = changed(Self.server) {
            $0.link.keepalive = .init(interval: .seconds(15), dead: .seconds(15))
        }
        #expect(faults(server: server).map(\.setting) == [.keepalive])
    }

    @Test func anAddressToDialHasAHostAndAPort() {
        for endpoint in [Endpoint.tcp(host: "", port: 80), .tcp(host: "example.com", port: 0)] {
            let service = changed(Self.service) { $0.targets = [endpoint] }
            #expect(faults(service: service).map(\.setting) == [.connect])
        }
        let route = changed(Self.route) { $0.accept = [.tcp(host: "", port: 0)] }
        #expect(faults(route: route).isEmpty)
    }

    @Test(arguments: [
        Endpoint.tcp(host: "Example.com", port: 1), .tcp(host: "a b", port: 1), .tcp(host: "::01", port: 1),
        .unix(path: "relative"), .unix(path: "/a\u{0}b"),
        .unix(path: "/" + String(repeating: "x", count: 107)),
    ])
    func anEndpointWithoutAValidTextFormIsRefused(endpoint: Endpoint) {
        let route = changed(Self.route) { $0.accept = [endpoint] }
        #expect(faults(route: route).map(\.setting) == [.accept])
    }

    @Test(arguments: ["", "/a\u{0}b", "/a\nb", "/a\u{202E}b", "/" + String(repeating: "x", count: 4095)])
    func anEmptyOverlongOrInvisiblePathIsRefused(path: String) {
        let server = changed(Self.server) { $0.passwordFile = path }
        #expect(faults(server: server).map(\.setting) == [.passwords])
        let peer = changed(Self.peer) { $0.password = .file(path: path) }
        #expect(faults(peer: peer).map(\.setting) == [.passwordFile])
    }

    @Test(arguments: ["", "A=B", "A\u{0}"])
    func anInvalidNameOfAVariableIsRefused(name: String) {
        let peer = changed(Self.peer) { $0.password = .environment(name: name) }
        #expect(faults(peer: peer).map(\.setting) == [.passwordEnvironment])
    }

    @Test func namesAreUniqueAmongTheirKind() throws {
        let error = #expect(throws: InvalidConfiguration.self) {
            try TunnelConfiguration(
                server: Self.server,
                services: [Self.service, Self.service],
                peers: [Self.peer],
                routes: [Self.route]
            )
        }
        let fault = try #require(error?.faults.first)
        #expect(fault.part == .service(1))
        #expect(fault.other?.part == .service(0))
        // A service, a peer and a route may have the same name.
        let route = changed(Self.route) { $0.name = "office" }
        #expect(faults(route: route).isEmpty)
    }

    @Test(arguments: ["", "a b", "grün", "a/b", String(repeating: "a", count: 65), "a\u{0}"])
    func anInvalidNameIsRefused(name: String) {
        #expect(!TunnelConfiguration.isName(name))
        let service = changed(Self.service) { $0.name = name }
        #expect(faults(service: service).map(\.part) == [.service(0)])
    }

    @Test func aRouteNamesAnExistingPeer() throws {
        let route = changed(Self.route) { $0.peer = "home" }
        let fault = try #require(faults(route: route).first)
        #expect(fault.setting == .peer)
        #expect(fault.hint == "the only peer is `office`")
        let configuration = try TunnelConfiguration(peers: [Self.peer], routes: [Self.route])
        #expect(configuration.peer(of: Self.route) == Self.peer)
        #expect(configuration.peer(of: route) == nil)
    }

    @Test func anAllowListNamesAtLeastOneValidUser() {
        let nobody = changed(Self.service) { $0.allow = [] }
        #expect(faults(service: nobody).map(\.setting) == [.allow])
        let wrong = changed(Self.service) { $0.allow = ["alice", "bob/2"] }
        #expect(faults(service: wrong).map(\.position) == [1])
    }

    @Test func aConfigurationWithNothingToDoIsRefused() {
        #expect(throws: InvalidConfiguration.self) { try TunnelConfiguration() }
        #expect(throws: InvalidConfiguration.self) { try TunnelConfiguration(peers: [Self.peer]) }
        #expect(throws: InvalidConfiguration.self) { try TunnelConfiguration(services: [Self.service]) }
        #expect(faults(server: nil).map(\.part) == [.service(0)])
    }

    @Test func theListenerTableFindsTheSameCollisionsAsComparingAllPairs() throws {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SplitMix(seed: seed)
        let hosts = [
            "", "0.0.0.0", "::", "127.0.0.1", "10.0.0.1", "::1", "fe80::1%eth0", "localhost", "example.com",
        ]
        for _ in 0..<2000 {
            let listeners = (0..<Int.random(in: 1...5, using: &random)).map { _ in
                Endpoint.tcp(
                    host: hosts[Int.random(in: 0..<hosts.count, using: &random)],
                    port: UInt16.random(in: 0...2, using: &random)
                )
            }
            // The slow way: a listener is at fault if it overlaps with an earlier one that is not at fault.
            var accepted: [Endpoint] = []
            var expected: [Int] = []
            for (position, listener) in listeners.enumerated() {
                if accepted.contains(where: { $0.overlaps(listener) }) {
                    expected.append(position)
                } else {
                    accepted.append(listener)
                }
            }
            let route = changed(Self.route) { $0.accept = listeners }
            let found = faults(server: nil, route: route).filter { $0.setting == .accept }.compactMap(
                \.position
            )
            #expect(found == expected, "seed \(seed): \(listeners)")
        }
    }
}
