import Basics
import CryptoPrimitives
import ProtocolCore
import Vocabulary
import WireCoding

/// A client and a server session in memory; the receiver opens records in the sender's buffer, without a copy.
final class SessionPair {
    private var client: Session
    private var server: Session
    private var now = Instant(nanoseconds: 1_000_000_000)
    private var received = 0
    private var bulk: StreamHandle?
    private var talkers: [StreamHandle] = []
    /// Streams that the server must release after the client has received their end.
    private var leaving: [StreamHandle] = []
    /// Whether the server answers on each stream on which it receives data.
    private var isAnswering = false
    /// Whether the data that is sent on a stream ends it.
    private var isFinishing = false

    init(encrypts: Bool) throws {
        let secrets = try SessionSecrets(
            shared: try SystemRandom.secretBytes(count: 64),
            hellos: [1],
            whole: [2]
        )
        guard let identity = try? Identity("bench") else { throw BenchmarkFailure("a name") }
        let options = Session.Options(parameters: SessionParameters())
        let agreement = Agreement(
            identity: identity,
            suite: .encrypted,
            secrets: secrets,
            peerParameters: options.parameters
        )
        let pool = BlockPool()
        func end(_ role: Session.Role, at now: Instant) throws -> Session {
            try Session(
                role: role,
                agreement: agreement,
                options: options,
                pool: pool,
                makeCipher: encrypts ? recordCiphers(by: .libcrypto) : noCipher,
                at: now
            )
        }
        client = try end(.client, at: now)
        server = try end(.server, at: now)
    }

    /// Moves bytes of one stream from the client to the server.
    ///
    /// - Parameters:
    ///   - count: the minimum number of bytes.
    ///   - limit: the maximum number of bytes that are available for sending at a time.
    /// - Throws: an error if a session ends.
    func move(_ count: Int, atMost limit: Int = 256 << 10) throws {
        let stream = try bulk ?? open()
        bulk = stream
        let goal = received + count
        while received < goal {
            client.setReady(stream)
            try turn(client: limit, server: 0)
        }
    }

    /// Runs a stream from its opening to its end: 16 bytes there, 16 bytes back, and an orderly end.
    func visit() throws {
        client.setReady(try open())
        (isAnswering, isFinishing) = (true, true)
        try turn(client: 16, server: 16)
        (isAnswering, isFinishing) = (false, false)
        for stream in leaving { server.release(stream, at: now) }
        leaving.removeAll(keepingCapacity: true)
    }

    /// Sends 64 bytes there and 64 bytes back on each of `count` streams.
    func talk(on count: Int) throws {
        while talkers.count < count { talkers.append(try open()) }
        for stream in talkers { client.setReady(stream) }
        isAnswering = true
        try turn(client: 64, server: 64)
        isAnswering = false
    }

    private func open() throws -> StreamHandle {
        guard let stream = client.open(StreamRequest(service: "sink"), at: now) else {
            throw BenchmarkFailure("no stream")
        }
        return stream
    }

    /// Lets each end send what it has, and the other one receive it.
    private func turn(client ofClient: Int, server ofServer: Int) throws {
        now = now.advanced(by: .microseconds(100))
        fill(&client, atMost: ofClient)
        carry(&client, to: &server) { server, event in heard(&server, event) }
        fill(&server, atMost: ofServer)
        carry(&server, to: &client) { client, event in
            if case .finished(let stream) = event { client.release(stream, at: now) }
            count(event, in: &client)
        }
        guard client.isOpen, server.isOpen else { throw BenchmarkFailure("a session ended") }
    }

    /// Commits slots without reading a socket: the buffer's present content is sent.
    private func fill(_ end: inout Session, atMost limit: Int) {
        end.beginSending(at: now)
        while limit > 0, let slot = end.nextSlot(atMost: limit) {
            end.commit(slot, StreamFill(slot.count, isFinishing ? .finished : .drained))
        }
        end.endSending()
    }

    private func heard(_ server: inout Session, _ event: SessionEvent) {
        switch event {
        case .opened(let stream, _): server.reportOpen(stream, nil, at: now)
        case .data(let stream, _) where isAnswering: server.setReady(stream)
        case .finished(let stream): leaving.append(stream)
        default: break
        }
        count(event, in: &server)
    }

    private func count(_ event: SessionEvent, in end: inout Session) {
        guard case .data(let stream, let bytes) = event else { return }
        received += bytes.count
        end.consumed(bytes.count, on: stream)
    }

    private func carry(
        _ from: inout Session,
        to: inout Session,
        _ handle: (inout Session, SessionEvent) -> Void
    ) {
        withUnsafeTemporaryAllocation(of: MemorySegment.self, capacity: 4) { segments in
            while true {
                let filled = from.unwritten(into: segments)
                guard filled > 0 else { return }
                var written = 0
                for segment in segments[..<filled] {
                    let bytes = UnsafeMutableRawBufferPointer(start: segment.base, count: segment.count)
                    var offset = 0
                    while offset < bytes.count, to.isOpen {
                        // No record is split here, so each call takes whole records.
                        let rest = UnsafeMutableRawBufferPointer(rebasing: bytes[offset...])
                        offset += to.receive(rest, at: now)
                        while let event = to.nextEvent() { handle(&to, event) }
                    }
                    written += segment.count
                }
                from.wrote(written)
            }
        }
    }
}

/// A cipher that neither encrypts nor authenticates, which leaves the cost of everything else.
private let noCipher: RecordCipherMaker = { (_, _) throws(CryptoFailure) in NoCipher() }

private final class NoCipher: RecordCipher {
    func seal(_ record: UnsafeMutableRawBufferPointer, nonce: Nonce96) -> Bool { true }
    func open(_ record: UnsafeMutableRawBufferPointer, nonce: Nonce96) -> Bool { true }
}
