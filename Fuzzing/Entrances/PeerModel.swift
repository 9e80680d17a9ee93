import CryptoPrimitives
import ProtocolCore
import WireCoding

/// What the peer of a session has told it and heard from it, kept in the plainest way, and the rules that a session
/// never breaks, whatever it was told.
struct PeerModel {
    /// What is known of one stream.
    private struct Stream {
        var credit: UInt64
        var sent: UInt64 = 0
        var isOver = false
        var hasResult = false
        /// Up to where the session lets the peer send.
        var told: UInt64
    }

    private let isClient: Bool
    private var secret: SecretBytes
    private var keys: DirectionKeys
    private let parameters: SessionParameters
    private let peer: SessionParameters
    private var pending: [UInt8] = []
    /// How many records of the session have come.
    private(set) var recordsHeard: UInt64 = 0
    private var recordsSaid: UInt64 = 0
    private var streams: [UInt32: Stream] = [:]
    /// What the peer gave for streams before anything else was known of them.
    private var given: [UInt32: UInt64] = [:]
    private var sessionCredit: UInt64
    private var sessionSent: UInt64 = 0
    private var sessionTold: UInt64
    private var lastOpened: UInt32 = 0
    private var opened: UInt32 = 0
    private var allowed: UInt32
    private var toldStreams: UInt32
    private var acknowledged: UInt64 = 0
    private var hasClosed = false

    init(
        isClient: Bool,
        secret: SecretBytes,
        keys: DirectionKeys,
        parameters: SessionParameters,
        peer: SessionParameters
    ) {
        self.isClient = isClient
        self.secret = secret
        self.keys = keys
        self.parameters = parameters
        self.peer = peer
        sessionCredit = UInt64(peer.sessionWindow)
        sessionTold = UInt64(parameters.sessionWindow)
        allowed = peer.maxStreams
        toldStreams = parameters.maxStreams
    }

    /// How far the session may send on a stream; 0 stands for all of them together.
    func credit(of stream: UInt32) -> UInt64 {
        stream == 0 ? sessionCredit : streams[stream]?.credit ?? credit(given: stream)
    }

    private func credit(given stream: UInt32) -> UInt64 { max(given[stream] ?? 0, UInt64(peer.streamWindow)) }
}

// MARK: - What the peer says

extension PeerModel {
    /// Whether the record says that the next one is under the next key.
    static func endsWithKeyUpdate(_ text: [UInt8]) -> Bool {
        frames(in: text).last.map { $0.type == 9 && $0.payload == [0] } ?? false
    }

    /// Takes note of what the session is about to be told.
    ///
    /// What comes behind a frame that breaks a rule counts here and not there: then the session is over anyway.
    mutating func heardByPeer(_ text: [UInt8]) {
        recordsSaid += 1
        for frame in Self.frames(in: text) {
            switch frame.type {
            case 3 where frame.payload.count == 8:
                let value = Self.integer(frame.payload)
                if frame.stream == 0 {
                    sessionCredit = max(sessionCredit, value)
                } else if let known = streams[frame.stream] {
                    streams[frame.stream]?.credit = max(known.credit, value)
                } else {
                    given[frame.stream] = max(given[frame.stream] ?? 0, value)
                }
            case 12 where frame.payload.count == 4:
                allowed = max(allowed, UInt32(Self.integer(frame.payload)))
            default: break
            }
        }
    }

    /// The session reports a stream of the peer's.
    mutating func noteOpened(_ id: UInt32) {
        precondition(id % 2 == (isClient ? 0 : 1), "a stream with a number of the other end's")
        precondition(streams[id] == nil, "a stream that was there before")
        streams[id] = Stream(credit: credit(given: id), told: UInt64(parameters.streamWindow))
    }
}

// MARK: - What the session says

extension PeerModel {
    /// Bytes come over the link.
    mutating func hear(_ bytes: UnsafeRawBufferPointer) {
        pending += bytes
        while pending.count >= RecordHeader.count {
            precondition(pending[0] == RecordHeader.traffic, "not a record")
            let length = Int(pending[1]) << 16 | Int(pending[2]) << 8 | Int(pending[3])
            precondition(length > RecordHeader.tagCount, "an empty record")
            precondition(length <= Int(peer.maxRecord) + RecordHeader.tagCount, "a record of \(length) bytes")
            let count = RecordHeader.count + length
            guard pending.count >= count else { return }
            var record = Array(pending.prefix(count))
            pending.removeFirst(count)
            let isRight = record.withUnsafeMutableBytes { keys.open($0) }
            precondition(isRight, "a record that cannot be opened")
            recordsHeard += 1
            hear(Array(record[RecordHeader.count..<count - RecordHeader.tagCount]))
        }
    }

    /// The link is lost: what has come of a record that is not whole is of no use.
    mutating func loseLink() {
        pending = []
    }

    private mutating func hear(_ text: [UInt8]) {
        let frames = Self.frames(in: text)
        precondition(
            frames.reduce(0) { $0 + 8 + $1.payload.count } == text.count,
            "frames do not fill the record"
        )
        for frame in frames { hear(frame) }
        guard Self.endsWithKeyUpdate(text) else { return }
        guard let next = try? TrafficKeys.successor(of: secret), let keys = try? RecordsRun.keys(next) else {
            preconditionFailure("a key could not be derived")
        }
        secret = next
        self.keys = keys
    }

    private mutating func hear(_ frame: Frame) {
        precondition(!hasClosed, "a frame after CLOSE")
        let (id, payload) = (frame.stream, frame.payload)
        switch frame.type {
        case 1: hearOpen(id)
        case 2: hearData(id, payload.count, isEnd: frame.flags == 1)
        case 3:
            let limit = Self.integer(payload)
            precondition(payload.count == 8)
            guard id != 0 else {
                precondition(limit > sessionTold, "WINDOW that gives nothing")
                sessionTold = limit
                return
            }
            guard let stream = streams[id] else {
                preconditionFailure("WINDOW for a stream that is not there")
            }
            precondition(limit > stream.told, "WINDOW that gives nothing")
            streams[id]?.told = limit
        case 4:
            precondition(payload.count == 2)
            streams[id]?.isOver = true
        case 5:
            precondition(payload.count == 6 && id % 2 == (isClient ? 0 : 1), "OPEN_RESULT for its own stream")
            precondition(streams[id]?.hasResult != true, "OPEN_RESULT again")
            streams[id]?.hasResult = true
        case 6, 7: precondition(id == 0 && payload.count >= 6)
        case 8:
            precondition(id == 0 && payload.count >= 2 && payload.count <= 130)
            hasClosed = true
        case 9: precondition(id == 0 && payload == [0])
        case 11:
            precondition(id == 0 && payload.count >= 10)
            charge(payload.count - 10)
        case 12:
            let count = UInt32(Self.integer(payload))
            precondition(payload.count == 4 && count > toldStreams, "MAX_STREAMS that allows nothing")
            toldStreams = count
        case 13:
            let count = Self.integer(payload)
            precondition(payload.count == 8 && count > acknowledged && count <= recordsSaid, "a wrong ACK")
            acknowledged = count
        default: preconditionFailure("a frame of the type \(frame.type)")
        }
    }

    private mutating func hearOpen(_ id: UInt32) {
        precondition(id % 2 == (isClient ? 1 : 0) && id > lastOpened, "OPEN of the stream \(id)")
        lastOpened = id
        opened += 1
        precondition(opened <= allowed, "more streams than the peer allows")
        streams[id] = Stream(credit: credit(given: id), told: UInt64(parameters.streamWindow))
    }

    private mutating func hearData(_ id: UInt32, _ count: Int, isEnd: Bool) {
        guard var stream = streams[id] else { preconditionFailure("DATA for a stream that is not there") }
        precondition(!stream.isOver, "DATA after the end")
        precondition(count > 0 || isEnd, "empty DATA")
        stream.sent += UInt64(count)
        precondition(stream.sent <= stream.credit, "more than the credit of the stream")
        stream.isOver = isEnd
        streams[id] = stream
        charge(count)
    }

    private mutating func charge(_ count: Int) {
        sessionSent += UInt64(count)
        precondition(sessionSent <= sessionCredit, "more than the credit of the session")
    }
}

// MARK: - Frames

extension PeerModel {
    /// A frame as it is on the wire.
    private struct Frame {
        var type: UInt8
        var flags: UInt8
        var stream: UInt32
        var payload: [UInt8]
    }

    /// The frames at the front of a text that are whole; padding ends it.
    private static func frames(in text: [UInt8]) -> [Frame] {
        text.withUnsafeBytes { bytes in
            var reader = ByteReader(bytes)
            var frames: [Frame] = []
            while let type = reader.uint8(), type != 0, let flags = reader.uint8(),
                let count = reader.uint16(),
                let stream = reader.uint32(), let payload = reader.bytes(Int(count))
            {
                frames.append(Frame(type: type, flags: flags, stream: stream, payload: Array(payload)))
            }
            return frames
        }
    }

    private static func integer(_ bytes: [UInt8]) -> UInt64 {
        bytes.reduce(0) { $0 << 8 | UInt64($1) }
    }
}
