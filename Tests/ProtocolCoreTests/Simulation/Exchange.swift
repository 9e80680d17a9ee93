import ProtocolCoreTesting
import Vocabulary

@testable import ProtocolCore

/// An exchange with something of everything, over a link that is cut after so many bytes.
///
/// Where sessions outlive their links, another link takes the place of the one that was cut, and may be cut as well.
struct Exchange {
    var link: SimulatedLink
    /// After which of all bytes on all links the link is cut.
    private var cuts: ArraySlice<Int>
    private let resumes: Bool
    private let maxPiece: Int
    /// How many bytes went over all links.
    private(set) var used = 0
    /// How many of them when the streams had come to their ends, and the sessions were closed.
    private(set) var usedByStreams = 0

    /// - Parameters:
    ///   - cuts: after how many bytes, in order.
    ///   - piece: how many bytes arrive at a time.
    ///   - resumes: whether sessions outlive their links.
    ///   - change: changes what both ends begin with.
    /// - Throws: what libcrypto refuses.
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

    /// Runs until the link is cut for good or nothing is left to say.
    mutating func run() {
        let now = link.now
        for index in 0..<6 {
            _ = link.client.open(sending: UInt64(index * 60), thenEnd: index != 2, at: now)
            _ = link.server.open(sending: 90, thenEnd: index % 2 == 0, at: now)
        }
        link.client.finish(3)
        link.server.reset(4, .timeout, at: now)
        // One that is cut begins anew with what was under way, and takes longer.
        for round in 0..<(resumes ? 120 : 60) {
            guard step() else { return }
            if round == 5 { link.client.reset(5, .cancelled, at: link.now) }
            if round == 8 { link.client.release(1, at: link.now) }
            if round == 10 { link.server.session.goAway(.none) }
        }
        usedByStreams = used
    }

    /// Ends what was left open, and then the sessions.
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

    /// - Returns: whether it can go on.
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
        // Every other time the server has not noticed when the client comes back.
        if used % 2 == 0 { link.server.loseLink(at: link.now) }
        link.client.loseLink(at: link.now)
        guard link.client.session.isOpen else { return }
        link.client.ask()
        link.server.listen()
    }

    /// What is wrong when everything should have arrived.
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
