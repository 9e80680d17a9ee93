import Basics
import CryptoPrimitives
import ProtocolCoreTesting
import Testing
import Vocabulary
import WireCoding

@testable import ProtocolCore

/// One session, and a scripted peer that has the keys and keeps to no rules.
final class SessionBench {
    /// A copy of an event that outlives the event's bytes.
    enum Seen: Equatable {
        case opened(UInt32, String)
        case data(UInt32, [UInt8])
        case finished(UInt32)
        case reset(UInt32, StreamFailure)
        case openResult(UInt32, StreamFailure?)
        case roundTrip
        case goAway(CloseCode)
    }

    var session: Session
    var now = Instant(nanoseconds: 1_000_000_000_000)
    /// The events of the session, except for its end.
    private(set) var seen: [Seen] = []
    private(set) var end: SessionEnd?
    /// The faults of the links that the session lost.
    private(set) var losses: [LinkFault] = []
    private(set) var handles: [UInt32: StreamHandle] = [:]
    /// The largest number of events that waited at once.
    private(set) var maxEvents = 0
    /// The keys of the peer.
    var sealing: DirectionKeys
    var opening: DirectionKeys
    private var inbound: [UInt8] = []

    init(
        _ role: Session.Role = .server,
        options: Session.Options = .init(parameters: SessionParameters()),
        peer: SessionParameters = SessionParameters(),
        pool: BlockPool = BlockPool(),
        ciphers: @escaping RecordCipherMaker = recordCiphers(by: .libcrypto)
    ) throws {
        let secrets = try SessionSecrets(
            shared: SecretBytes([UInt8](repeating: 7, count: 64)),
            hellos: [1],
            whole: [2]
        )
        let agreement = Agreement(
            identity: try Identity("alice"),
            suite: .encrypted,
            secrets: secrets,
            peerParameters: peer
        )
        session = try Session(
            role: role,
            agreement: agreement,
            options: options,
            pool: pool,
            makeCipher: ciphers,
            at: now
        )
        let (ours, theirs) =
            role == .client ? (secrets.client, secrets.server) : (secrets.server, secrets.client)
        sealing = try DirectionKeys(secret: theirs, suite: .encrypted, limits: .standard, makeCipher: ciphers)
        opening = try DirectionKeys(secret: ours, suite: .encrypted, limits: .standard, makeCipher: ciphers)
    }

    // MARK: Actions of the session's owner

    /// Opens a stream.
    func open(_ service: String = "back") throws -> StreamHandle {
        let handle = session.open(StreamRequest(service: service), at: now)
        return try #require(handle)
    }

    /// A stream that the peer opened.
    func handle(_ id: UInt32) throws -> StreamHandle { try #require(handles[id]) }

    func pass(_ duration: Duration) {
        now = now.advanced(by: duration)
        while let next = session.nextTimeout, next <= now {
            session.handleTimeout(at: now)
            takeEvents()
        }
    }

    // MARK: Input from the peer

    /// Seals a record and delivers it to the session.
    func say(_ plaintext: [UInt8]) throws {
        arrive(try sealing.sealed(plaintext))
    }

    /// Delivers bytes to the session.
    func arrive(_ bytes: [UInt8]) {
        inbound += bytes
        while !inbound.isEmpty {
            let consumed = inbound.withUnsafeMutableBytes { buffer in
                let consumed = session.receive(buffer, at: now)
                takeEvents()
                return consumed
            }
            guard consumed > 0 else { return }
            inbound.removeFirst(consumed)
            // Bytes in flight are lost with their link.
            if !session.isAttached { inbound = [] }
        }
    }

    func takeEvents() {
        maxEvents = max(maxEvents, session.events.count)
        while let event = session.nextEvent() {
            switch event {
            case .opened(let handle, let request):
                handles[handle.id.rawValue] = handle
                seen.append(.opened(handle.id.rawValue, request.service))
            case .data(let handle, let bytes): seen.append(.data(handle.id.rawValue, Array(bytes)))
            case .finished(let handle): seen.append(.finished(handle.id.rawValue))
            case .reset(let handle, let code): seen.append(.reset(handle.id.rawValue, code))
            case .openResult(let handle, let failure):
                seen.append(.openResult(handle.id.rawValue, failure))
            case .roundTrip: seen.append(.roundTrip)
            case .goAway(let code, _): seen.append(.goAway(code))
            case .detached(let fault):
                losses.append(fault)
            case .closed(let end):
                #expect(self.end == nil, "closed twice")
                self.end = end
            }
        }
    }

    func forgetEvents() { seen = [] }

    // MARK: Output of the session

    /// A frame that the session sent.
    struct Frame: Equatable {
        var type: UInt8
        var flags: UInt8
        var stream: UInt32
        var payload: [UInt8]
    }

    /// All control frames that the session has to send, record by record; streams send no bytes here.
    func takeRecords() throws -> [[Frame]] {
        session.beginSending(at: now)
        session.endSending()
        return try records(in: takeBytes())
    }

    /// The frames of all records, without acknowledgements.
    func takeFrames() throws -> [Frame] {
        try takeRecords().flatMap { $0 }.filter { $0.type != FrameType.acknowledgement.rawValue }
    }

    func takeBytes() -> [UInt8] {
        var bytes: [UInt8] = []
        withUnsafeTemporaryAllocation(of: MemorySegment.self, capacity: 8) { segments in
            while true {
                let filled = session.unwritten(into: segments)
                guard filled > 0 else { return }
                var count = 0
                for segment in segments[..<filled] {
                    bytes += UnsafeRawBufferPointer(start: segment.base, count: segment.count)
                    count += segment.count
                }
                session.wrote(count)
            }
        }
        return bytes
    }

    func records(in bytes: [UInt8]) throws -> [[Frame]] {
        var rest = bytes[...]
        var records: [[Frame]] = []
        while !rest.isEmpty {
            let start = rest.startIndex
            let count = 4 + Int(rest[start + 1]) << 16 + Int(rest[start + 2]) << 8 + Int(rest[start + 3])
            var record = Array(rest.prefix(count))
            let isGood = record.withUnsafeMutableBytes { opening.open($0) }
            try #require(isGood, "the session's record cannot be opened")
            let frames = Self.frames(Array(record[4..<record.count - 16]))
            records.append(frames)
            if frames.last?.type == FrameType.keyUpdate.rawValue { try opening.ratchet() }
            rest = rest.dropFirst(count)
        }
        return records
    }

    static func frames(_ plaintext: [UInt8]) -> [Frame] {
        plaintext.withUnsafeBytes { plaintext in
            var reader = ByteReader(plaintext)
            var frames: [Frame] = []
            while let header = FrameHeader(&reader), let payload = reader.bytes(header.length) {
                frames.append(
                    Frame(
                        type: header.type,
                        flags: header.flags,
                        stream: header.stream,
                        payload: Array(payload)
                    )
                )
            }
            #expect(reader.isAtEnd)
            return frames
        }
    }

    /// Expects that the session has closed itself with this code, has sent CLOSE with it, and sends nothing more.
    func expectClosed(
        _ code: CloseCode,
        _ comment: @autoclosure () -> Comment? = nil,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        guard case .violation(let given, _) = end else {
            Issue.record(
                "\(comment() ?? "") ended with \(end.map { "\($0)" } ?? "nothing")",
                sourceLocation: sourceLocation
            )
            return
        }
        #expect(given == code, comment(), sourceLocation: sourceLocation)
        let last = try records(in: takeBytes()).last?.last
        #expect(last?.type == FrameType.close.rawValue, comment(), sourceLocation: sourceLocation)
        let sent = last.map { UInt16($0.payload[0]) << 8 | UInt16($0.payload[1]) }
        #expect(sent == code.rawValue, comment(), sourceLocation: sourceLocation)
        expect(!session.isOpen)
        expect(session.nextTimeout == nil)
        #expect(try takeRecords().isEmpty, sourceLocation: sourceLocation)
    }

    func expectOpen(
        _ comment: @autoclosure () -> Comment? = nil,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(end == nil, comment(), sourceLocation: sourceLocation)
        expect(session.isOpen, comment(), sourceLocation: sourceLocation)
    }
}
