import CryptoPrimitives
import ProtocolCore
import WireCoding

/// Two sessions in memory: frames, streams, credit, the outbound log and its acknowledgements, with and
/// without a cipher.
///
/// What is on the link is opened where it was sealed.
struct SessionRung: Rung {
    let name: String
    let standsOn: Int?
    private let pair: SessionPair

    init(encrypts: Bool) throws {
        name = encrypts ? "two sessions in memory" : "two sessions in memory, no cipher"
        standsOn = encrypts ? 2 : nil
        pair = try SessionPair(encrypts ? recordCiphers(by: .libcrypto) : noCipher)
    }

    func move(_ count: Int) throws {
        try pair.move(count)
    }
}

/// Nothing is hidden and nothing is checked: what is left is everything else.
private let noCipher: RecordCipherMaker = { (_, _) throws(CryptoFailure) in NoCipher() }

private final class NoCipher: RecordCipher {
    func seal(_ record: UnsafeMutableRawBufferPointer, nonce: Nonce96) -> Bool { true }
    func open(_ record: UnsafeMutableRawBufferPointer, nonce: Nonce96) -> Bool { true }
}

private final class SessionPair {
    private var client: Session
    private var server: Session
    private let stream: StreamHandle
    private var received = 0
    private var now = Instant(nanoseconds: 1_000_000_000)

    init(_ ciphers: @escaping RecordCipherMaker) throws {
        let secrets = try SessionSecrets(
            shared: try SystemRandom.secretBytes(count: 64),
            hellos: [1],
            whole: [2]
        )
        guard let identity = Identity("bench") else { throw BenchmarkFailure("a name") }
        let options = Session.Options(parameters: SessionParameters())
        let agreement = Agreement(
            identity: identity,
            suite: .encrypted,
            secrets: secrets,
            peerParameters: options.parameters
        )
        let pool = BlockPool()
        var client = try Session(
            role: .client,
            agreement: agreement,
            options: options,
            pool: pool,
            makeCipher: ciphers,
            at: now
        )
        server = try Session(
            role: .server,
            agreement: agreement,
            options: options,
            pool: pool,
            makeCipher: ciphers,
            at: now
        )
        guard let stream = client.open(OpenRequest(service: "sink"), at: now) else {
            throw BenchmarkFailure("no stream")
        }
        self.stream = stream
        self.client = client
    }

    func move(_ count: Int) throws {
        let goal = received + count
        while received < goal {
            now = now.advanced(by: .microseconds(100))
            client.setReady(stream)
            client.beginSending(at: now)
            if let slot = client.nextSlot(atMost: 256 << 10) {
                // The bytes are whatever is there: no socket is read.
                client.commit(slot, count: slot.count, .more)
            }
            client.endSending()
            Self.carry(&client, to: &server, at: now) { server, event in
                if case .data(let handle, let bytes) = event {
                    received += bytes.count
                    server.consumed(bytes.count, on: handle)
                }
                return !Self.isEnd(event)
            }
            server.beginSending(at: now)
            server.endSending()
            Self.carry(&server, to: &client, at: now) { _, event in !Self.isEnd(event) }
            guard client.isOpen, server.isOpen else { throw BenchmarkFailure("a session ended") }
        }
    }

    private static func isEnd(_ event: SessionEvent) -> Bool {
        if case .closed = event { return true }
        return false
    }

    private static func carry(
        _ from: inout Session,
        to: inout Session,
        at now: Instant,
        _ handle: (inout Session, SessionEvent) -> Bool
    ) {
        withUnsafeTemporaryAllocation(of: MemorySegment.self, capacity: 4) { segments in
            while true {
                let filled = from.unwritten(into: segments)
                guard filled > 0 else { return }
                var written = 0
                for segment in segments[..<filled] {
                    let bytes = UnsafeMutableRawBufferPointer(start: segment.base, count: segment.count)
                    var offset = 0
                    while offset < bytes.count {
                        // Records are never cut here, so each call takes whole ones.
                        let rest = UnsafeMutableRawBufferPointer(rebasing: bytes[offset...])
                        offset += to.receive(rest, at: now)
                        while let event = to.nextEvent() { if !handle(&to, event) { return } }
                    }
                    written += segment.count
                }
                from.wrote(written)
            }
        }
    }
}
