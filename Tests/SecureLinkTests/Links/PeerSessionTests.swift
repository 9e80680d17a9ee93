import EventIO
import ProtocolCoreTesting
import Testing
import Vocabulary

@testable import ProtocolCore
@testable import SecureLink

/// A session on a real socket, with peers that violate the protocol or flood it.
@Suite struct PeerSessionTests {
    /// Bytes before the end of a session are authentic, bytes after it are not, and one read may bring both.
    @Test func bytesAfterTheEndOfASessionNeverReachAStream() throws {
        let peer = try HandMadePeer()
        let text = [UInt8](repeating: UInt8(ascii: "A"), count: 60_000)
        let unknown = frame(0x7F)
        let sent =
            try peer.record(Say.open(1)) + peer.record(Say.data(1, text, end: true)) + peer.record(unknown)
        // More than one read takes, so that some bytes are still unread when the session ends.
        let garbage = [UInt8](repeating: UInt8(ascii: "Z"), count: 600_000)
        #expect(peer.say(sent + garbage) > 300_000)
        peer.run(for: .milliseconds(200))
        #expect(peer.owner.end?.kind == .violation)
        let endpoint = try #require(peer.owner.streams.first?.endpoint)
        let isExact = endpoint.delivered == text
        #expect(
            isExact,
            "\(endpoint.delivered.count) bytes, \(endpoint.delivered.count { $0 != text[0] }) of them forged"
        )
    }

    /// A peer that never stops sending must not keep the loop from other work.
    @Test func aFloodOfRecordsDoesNotBlockTheLoop() throws {
        let peer = try HandMadePeer()
        // Empty messages cost no credit, and this number of records must be acknowledged at once.
        var flood: [UInt8] = []
        let count = 40_000
        for id in 0..<count { flood += try peer.record(Say.message(UInt64(id), [])) }
        #expect(peer.say(flood) == flood.count, "the socket has all bytes before the first turn")
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
        // At most two reads a turn: when the socket becomes readable, and at the end of the turn.
        #expect(Int(most) * bytesOfRecord <= 2 * peer.session.environment.turnBytes)
    }
}

/// Runs an action once a turn, without end.
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
