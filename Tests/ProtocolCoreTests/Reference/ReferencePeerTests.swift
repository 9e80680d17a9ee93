import Basics
import CryptoPrimitives
import ProtocolCoreTesting
import Testing
import Vocabulary
import WireCoding

@testable import ProtocolCore

/// This implementation against an independent one, over a live connection: only a shared misreading of the specification
/// stays undetected.
@Suite(.enabled(if: ReferencePeer.command != nil, ReferencePeer.absence), .serialized)
struct ReferencePeerTests {
    let people: People

    init() throws {
        people = try People()
    }

    @Test(arguments: [false, true]) func ourClientTalksToTheReferenceServer(asksForRealm: Bool) throws {
        let peer = try ReferencePeer("server")
        var client = HandshakeRun(people).makeClient()
        let share = try HandshakeRun.share(people.alice)
        try peer.write(client.begin(with: asksForRealm ? nil : (people.alice, share)))
        if asksForRealm {
            guard case .learn(let realm, let cost) = try client.feed(readMessage(peer)) else {
                Issue.record("nothing learned")
                return
            }
            #expect(realm == people.realm)
            #expect(cost == people.cost)
            try peer.write(client.continue(with: people.alice, share: share))
        }
        guard case .prove(let job) = try client.feed(readMessage(peer)) else {
            Issue.record("no proof")
            return
        }
        let (finish, agreement) = try client.finish(with: job.run())
        try peer.write(finish)
        let talker = try Talker(.client, agreement, peer)

        // All bytes fit into the pipes, so that neither process blocks until the other one reads.
        let sizes = [0, 1, 100, 2000, 5000, 30_000]
        for size in sizes { try talker.open(sending: size) }
        try talker.talk { talker in talker.ended.count == sizes.count }
        for (index, size) in sizes.enumerated() {
            let back = talker.received[UInt32(index * 2 + 1)] ?? []
            #expect(back.count == size)
            #expect(back.sorted() == Talker.content(size).sorted())
        }
        #expect(talker.results == Set((0..<6).map { UInt32($0 * 2 + 1) }))
        // Both ends have updated their keys meanwhile.
        #expect(talker.session.opening.sequence < 20)
        talker.session.close(.shutdown, "enough")
        try talker.write()
        let isContent = peer.finish()
        #expect(isContent, "\(peer.complaint)")
    }

    @Test(arguments: ["client", "asking-client"]) func theReferenceClientTalksToOurServer(role: String) throws
    {
        let peer = try ReferencePeer(role)
        var server = HandshakeRun(people).makeServer()
        if role == "asking-client" {
            guard case .send(let retry) = try server.feed(readMessage(peer)) else {
                Issue.record("no retry")
                return
            }
            try peer.write(retry)
        }
        guard case .verify(let job) = try server.feed(readMessage(peer)) else {
            Issue.record("no login")
            return
        }
        try peer.write(server.answer(with: job.run()))
        guard case .established(let agreement) = try server.feed(readMessage(peer)) else {
            Issue.record("not established")
            return
        }
        #expect(agreement.identity == people.alice.identity)
        let talker = try Talker(.server, agreement, peer)
        try talker.talk { $0.end != nil }
        #expect(talker.end == .byPeer(.shutdown, "enough"))
        #expect(talker.ended == [1, 3, 5])
        let isContent = peer.finish()
        #expect(isContent, "\(peer.complaint)")
    }

    @Test func theReferenceServerRejectsAWrongPassword() throws {
        let peer = try ReferencePeer("server")
        let wrong = try people.credential(secret: StretchedPassword(w0: .pattern(77), w1: .pattern(78)))
        var client = HandshakeRun(people).makeClient()
        try peer.write(client.begin(with: (wrong, HandshakeRun.share(wrong))))
        guard case .prove(let job) = try client.feed(readMessage(peer)) else {
            Issue.record("no proof")
            return
        }
        #expect(throws: HandshakeFault.authentication) { _ = try client.finish(with: job.run()) }
        expect(!peer.finish())
    }

    private func readMessage(_ peer: ReferencePeer) throws -> [UInt8] {
        let header = try peer.read(exactly: 8)
        return try header + peer.read(exactly: Int(header[6]) << 8 | Int(header[7]))
    }
}

/// A session that talks to a process.
///
/// A client sends the given bytes; a server sends back the received bytes, reversed.
private final class Talker {
    var session: Session
    private(set) var received: [UInt32: [UInt8]] = [:]
    private(set) var ended: Set<UInt32> = []
    private(set) var results: Set<UInt32> = []
    private(set) var end: SessionEnd?
    private var toSend: [UInt32: [UInt8]] = [:]
    private var endsAfter: Set<UInt32> = []
    private var inbound: [UInt8] = []
    private let role: Session.Role
    private let peer: ReferencePeer
    private let now = Instant(nanoseconds: 1_000_000_000)

    init(_ role: Session.Role, _ agreement: Agreement, _ peer: ReferencePeer) throws {
        self.role = role
        self.peer = peer
        var options = Session.Options(parameters: SessionParameters())
        options.keyLimits = KeyLimits(records: 9, bytes: 1 << 36)
        session = try Session(role: role, agreement: agreement, options: options, pool: BlockPool(), at: now)
    }

    static func content(_ count: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        bytes.withUnsafeMutableBytes { TestContent.fill($0, seed: 1, offset: 0) }
        return bytes
    }

    func open(sending count: Int) throws {
        let handle = session.open(StreamRequest(service: "echo", source: "192.0.2.1:1"), at: now)
        let stream = try #require(handle)
        toSend[stream.id.rawValue] = Self.content(count)
        endsAfter.insert(stream.id.rawValue)
        session.setReady(stream)
    }

    /// Sends and receives until the condition holds.
    func talk(until isEnough: (Talker) -> Bool) throws {
        while true {
            try write()
            guard !isEnough(self) else { return }
            let bytes = peer.read()
            guard !bytes.isEmpty else {
                try #require(isEnough(self), "\(peer.complaint)")
                return
            }
            receive(bytes)
        }
    }

    func write() throws {
        session.beginSending(at: now)
        while let slot = session.nextSlot(atMost: 64 << 10) { fill(slot) }
        session.endSending()
        var bytes: [UInt8] = []
        withUnsafeTemporaryAllocation(of: MemorySegment.self, capacity: 8) { segments in
            while case let filled = session.unwritten(into: segments), filled > 0 {
                for segment in segments[..<filled] {
                    bytes += UnsafeRawBufferPointer(start: segment.base, count: segment.count)
                    session.wrote(segment.count)
                }
            }
        }
        if !bytes.isEmpty { try peer.write(bytes) }
    }

    private func fill(_ slot: SendSlot) {
        let id = slot.stream.id.rawValue
        let waiting = toSend[id] ?? []
        let count = min(slot.count, waiting.count)
        var offset = 0
        for segment in slot.segments where offset < count {
            let part = min(segment.count, count - offset)
            UnsafeMutableRawBufferPointer(start: segment.base, count: part).copyBytes(
                from: waiting[offset..<offset + part]
            )
            offset += part
        }
        toSend[id] = Array(waiting[count...])
        let isEmpty = count == waiting.count
        session.commit(
            slot,
            StreamFill(count, isEmpty ? (endsAfter.contains(id) ? .finished : .drained) : .more)
        )
    }

    private func receive(_ bytes: [UInt8]) {
        inbound += bytes
        let consumed = inbound.withUnsafeMutableBytes { buffer in
            let consumed = session.receive(buffer, at: now)
            while let event = session.nextEvent() { handle(event) }
            return consumed
        }
        inbound.removeFirst(consumed)
    }

    private func handle(_ event: SessionEvent) {
        switch event {
        case .opened(let handle, _): session.reportOpen(handle, nil, at: now)
        case .data(let handle, let bytes):
            received[handle.id.rawValue, default: []] += bytes
            session.consumed(bytes.count, on: handle)
            guard role == .server else { return }
            toSend[handle.id.rawValue, default: []] += Array(bytes).reversed()
            session.setReady(handle)
        case .finished(let handle):
            ended.insert(handle.id.rawValue)
            guard role == .server else { return }
            endsAfter.insert(handle.id.rawValue)
            session.setReady(handle)
        case .openResult(let handle, let failure):
            #expect(failure == nil)
            results.insert(handle.id.rawValue)
        case .closed(let end): self.end = end
        case .reset, .roundTrip, .goAway, .detached: break
        }
    }
}
