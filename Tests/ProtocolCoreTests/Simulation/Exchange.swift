import ProtocolCoreTesting
import Vocabulary

@testable import ProtocolCore

/// An exchange with data, ends, resets, a release and GOAWAY, over a link that is cut after given numbers of bytes.
///
/// If sessions outlive their links, another link replaces the one that was cut, and may be cut as well.
struct Exchange {
    var link: SimulatedLink
    /// The byte counts, summed over all links, at which the current link is cut.
    private var cuts: ArraySlice<Int>
    private let resumes: Bool
    private let maxPiece: Int
    /// The number of bytes that were sent over all links.
    private(set) var used = 0
    /// The number of bytes until the streams had ended, before the sessions were closed.
    private(set) var usedByStreams = 0

    /// - Parameters:
    ///   - cuts: the byte counts at which a link is cut, in ascending order.
    ///   - piece: the number of bytes that arrive at a time.
    ///   - resumes: whether sessions outlive their links.
    ///   - change: changes the options of both ends.
    /// - Throws: an error of libcrypto.
    init(
        cuts: [Int] = [],
        piece: Int = .max,
        resumes: Bool = false,
        change: (inout Session.Options) -> Void = { _ in }
    ) throws {
        self.cuts = cuts[...]
        self.resumes = resumes
        maxPiece = piece
        var options = Session.Options(
            parameters: SessionParameters(
                maxRecord: 1024,
                streamWindow: 200,
                sessionWindow: 700,
                features: resumes ? .resume : []
            )
        )
        options.chunk = 1024
        options.maxStreamWindow = 400
        options.keyLimits = KeyLimits(records: 3, bytes: 1 << 40)
        change(&options)
        link = SimulatedLink(try Pair(client: options, server: options))
        link.server.answer = 150
    }

    /// Runs until the link is cut for good or nothing is left to send.
    mutating func run() {
        let now = link.now
        for index in 0..<6 {
            _ = link.client.open(sending: UInt64(index * 60), thenEnd: index != 2, at: now)
            _ = link.server.open(sending: 90, thenEnd: index % 2 == 0, at: now)
        }
        link.client.finish(3)
        link.server.reset(4, .timeout, at: now)
        // A resumed session sends the bytes in flight again, so it takes longer.
        for round in 0..<(resumes ? 120 : 60) {
            guard step() else { return }
            if round == 5 { link.client.reset(5, .cancelled, at: link.now) }
            if round == 8 { link.client.release(1, at: link.now) }
            if round == 10 { link.server.session.goAway(.none) }
        }
        usedByStreams = used
    }

    /// Ends all open streams, and then the sessions.
    mutating func close() {
        for end in [link.client, link.server] {
            for (_, stream) in end.streams where !stream.isOver && !stream.hasSentEnd {
                end.send(0, thenEnd: true, on: stream.handle)
            }
        }
        for _ in 0..<40 where !step() { return }
        usedByStreams = used
        link.server.session.closeWhenAcknowledged(.shutdown)
        link.server.takeEvents()
        for _ in 0..<40 where !step() { return }
    }

    /// - Returns: whether the exchange can continue.
    private mutating func step() -> Bool {
        for index in 0...1 {
            let (end, other) = index == 0 ? (link.client, link.server) : (link.server, link.client)
            let bytes = end.pump(at: link.now)
            var offset = 0
            while offset < bytes.count {
                let left = (cuts.first ?? .max) - used
                let count = min(left, bytes.count - offset, maxPiece)
                if count > 0 { other.deliver(Array(bytes[offset..<offset + count]), at: link.now) }
                offset += count
                used += count
                guard used == cuts.first else { continue }
                cuts = cuts.dropFirst()
                guard resumes else { return false }
                takeAnotherLink()
                break
            }
        }
        link.run(for: .milliseconds(20), steps: 0)
        for end in [link.client, link.server] { end.handleTimeouts(at: link.now) }
        return true
    }

    private mutating func takeAnotherLink() {
        // In about half of the cases the server has not noticed the loss when the client returns.
        if used % 2 == 0 { link.server.loseLink(at: link.now) }
        link.client.loseLink(at: link.now)
        guard link.client.session.isOpen else { return }
        link.client.ask()
        link.server.listen()
    }

    /// The faults found at the end, when all bytes should have arrived.
    var problems: [String] {
        var problems = link.damage
        problems += link.disagreements(isWhole: true, someoneWentAway: true)
        for end in [link.client, link.server] {
            for id in end.allIDs where end.anyStream(id)?.isOver != true {
                problems.append("stream \(id) goes on")
            }
        }
        return problems
    }
}
