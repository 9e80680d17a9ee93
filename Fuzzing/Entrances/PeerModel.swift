import CryptoPrimitives
import ProtocolCore
import WireCoding

/// A simple model of a session's peer: the frames that the session and the peer exchanged, and the rules that a session
/// never breaks, whatever it receives.
struct PeerModel {
    /// The model's knowledge of one stream.
    private struct Stream {
        var credit: UInt64
        var sent: UInt64 = 0
        var isOver = false
        var hasResult = false
        /// The offset up to which the session permits the peer to send.
        var told: UInt64
    }

    private let isClient: Bool
    private var secret: SecretBytes
    private var keys: DirectionKeys
    private let parameters: SessionParameters
    private let peer: SessionParameters
    private var pending: [UInt8] = []
    /// The number of records that the session has sent.
    private(set) var recordsHeard: UInt64 = 0
    private var recordsSaid: UInt64 = 0
    private var streams: [UInt32: Stream] = [:]
    /// The credit that the peer gave for streams that were not open yet.
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

    /// Returns the offset up to which the session may send on a stream; stream 0 stands for the session as a whole.
    func credit(of stream: UInt32) -> UInt64 {
        stream == 0 ? sessionCredit : streams[stream]?.credit ?? credit(given: stream)
    }

    private func credit(given stream: UInt32) -> UInt64 { max(given[stream] ?? 0, UInt64(peer.streamWindow)) }
}

// MARK: - Frames from the peer

extension PeerModel {
    /// Whether the record ends with KEY_UPDATE, so that the next record uses the next key.
    static func endsWithKeyUpdate(_ text: [UInt8]) -> Bool {
        frames(in: text).last.map { $0.type == 9 && $0.payload == [0] } ?? false
    }

    /// Notes the frames of a record that the peer is about to send.
    ///
    /// Frames after one that breaks a rule count in the model but not in the session; the session is over then anyway.
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

    /// Notes that the session reported a new stream of the peer.
    mutating func noteOpened(_ id: UInt32) {
        precondition(id % 2 == (isClient ? 0 : 1), "a stream with a number of the other end's")
        precondition(streams[id] == nil, "a stream that was there before")
        streams[id] = Stream(credit: credit(given: id), told: UInt64(parameters.streamWindow))
    }
}

// MARK: - Frames from the session

extension PeerModel {
    /// Checks bytes that the session sent over the link.
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

    /// Discards the bytes of an incomplete record after the loss of the link.
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
    /// A frame with its header fields.
    private struct Frame {
        var type: UInt8
        var flags: UInt8
        var stream: UInt32
        var payload: [UInt8]
    }

    /// Returns the complete frames at the front of a plaintext; padding ends them.
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
