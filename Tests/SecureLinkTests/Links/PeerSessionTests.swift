import EventIO
import ProtocolCoreTesting
import Testing
import Vocabulary

@testable import ProtocolCore
@testable import SecureLink

/// A session on a real socket, against peers that do not behave.
@Suite struct PeerSessionTests {
    /// What lies in front of the end of a session is authentic, what lies behind it is anybody's: the two are read into the
    /// same memory.
    @Test func nothingBehindTheEndOfASessionGetsIntoAStream() throws {
        let peer = try HandMadePeer()
        let text = [UInt8](repeating: UInt8(ascii: "A"), count: 60_000)
        let unknown = frame(0x7F)
        let said =
            try peer.record(Say.open(1)) + peer.record(Say.data(1, text, end: true)) + peer.record(unknown)
        // As much as is read at once, and more: then there is something left to be read behind the end.
        let garbage = [UInt8](repeating: UInt8(ascii: "Z"), count: 600_000)
        #expect(peer.say(said + garbage) > 300_000)
        peer.run(for: .milliseconds(200))
        #expect(peer.owner.end?.kind == .violation)
        let endpoint = try #require(peer.owner.streams.first?.endpoint)
        let isExact = endpoint.delivered == text
        #expect(
            isExact,
            "\(endpoint.delivered.count) bytes, \(endpoint.delivered.count { $0 != text[0] }) of them forged"
        )
    }

    /// A peer that always has something to say must not keep the loop from everything else.
    @Test func aFloodLeavesTheLoopItsTurns() throws {
        let peer = try HandMadePeer()
        // Empty messages cost no credit, and so many records have to be acknowledged at once.
        var flood: [UInt8] = []
        let count = 40_000
        for id in 0..<count { flood += try peer.record(Say.message(UInt64(id), [])) }
        #expect(peer.say(flood) == flood.count, "all of it is there before the first turn")
        let bytesOfRecord = flood.count / count
        var before = UInt64(0)
        var most = UInt64(0)
        let observer = Observer(peer.loop) {
            most = max(most, peer.session.receivedRecords - before)
            before = peer.session.receivedRecords
        }
        observer.start()
        peer.run(for: .milliseconds(500))
        withExtendedLifetime(observer) {}
        #expect(peer.session.isOpen)
        #expect(peer.session.receivedRecords == count)
        // When it becomes readable and at the end of the turn: twice what is read at once.
        #expect(Int(most) * bytesOfRecord <= 2 * peer.session.environment.turnBytes)
    }
}

/// Does something once a turn, without an end.
private final class Observer: TurnEndHandler {
    private let loop: EventLoop
    private let action: () -> Void

    init(_ loop: EventLoop, _ action: @escaping () -> Void) {
        self.loop = loop
        self.action = action
    }

    func start() { loop.atEndOfNextTurn(self) }

    func turnEnded() {
        action()
        loop.atEndOfNextTurn(self)
    }
}
