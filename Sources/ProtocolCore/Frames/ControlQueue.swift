import Vocabulary
import WireCoding

/// Control frames that wait for the next record, encoded, in order.
///
/// What can be said later and shorter (credit, acknowledgements) does not wait here.
struct ControlQueue {
    private var bytes: [UInt8] = []
    private var taken = 0
    /// How many answers to PINGs wait.
    private(set) var answers = 0

    /// How many frames wait that say something on a stream.
    private(set) var streamFrames = 0

    /// How many bytes wait.
    var count: Int { bytes.count - taken }
    var isEmpty: Bool { count == 0 }

    /// For how many bytes there is room.
    var capacity: Int { bytes.capacity }

    /// The size of the oldest frame; 0 when there is none.
    var nextCount: Int {
        guard !isEmpty else { return 0 }
        return FrameHeader.count + Int(bytes[taken + 2]) << 8 + Int(bytes[taken + 3])
    }

    /// Copies the oldest frame out.
    ///
    /// - Parameter base: where there is room for ``nextCount`` bytes.
    /// - Returns: whether it says something on a stream.
    @discardableResult
    mutating func takeNext(to base: UnsafeMutableRawPointer) -> Bool {
        let count = nextCount
        let isOfStream = Self.typesOfStreams.contains(bytes[taken])
        bytes.withUnsafeBytes { source in
            let frame = UnsafeRawBufferPointer(rebasing: source[taken..<taken + count])
            UnsafeMutableRawBufferPointer(start: base, count: count).copyMemory(from: frame)
        }
        if bytes[taken] == FrameType.ping.rawValue, bytes[taken + 1] & FrameFlags.answer != 0 { answers -= 1 }
        if isOfStream { streamFrames -= 1 }
        taken += count
        if taken == bytes.count {
            bytes.removeAll(keepingCapacity: bytes.count <= Self.maxKept)
            taken = 0
        } else if taken > Self.maxKept, taken > bytes.count / 2 {
            // A queue that is never quite empty must not grow by what has left it.
            bytes.removeFirst(taken)
            taken = 0
        }
        return isOfStream
    }

    /// Forgets everything: what is said last makes the rest pointless.
    mutating func clear() {
        bytes = []
        taken = 0
        answers = 0
        streamFrames = 0
    }

    private static let maxKept = 16 << 10
    private static let typesOfStreams = [FrameType.open, .openResult, .data, .reset].map(\.rawValue)
}

// MARK: - The frames

extension ControlQueue {
    mutating func open(_ id: StreamID, payload: [UInt8]) {
        bytes.append(frame: .open, stream: id.rawValue, payload: payload)
        streamFrames += 1
    }

    mutating func openResult(_ id: StreamID, _ failure: StreamFailure?) {
        var payload: [UInt8] = []
        payload.append(bigEndian: failure?.code ?? StreamFailure.connected)
        payload.append(bigEndian: failure?.detail ?? 0)
        bytes.append(frame: .openResult, stream: id.rawValue, payload: payload)
        streamFrames += 1
    }

    mutating func finish(_ id: StreamID) {
        bytes.append(frame: .data, flags: FrameFlags.finish, stream: id.rawValue, payload: [])
        streamFrames += 1
    }

    mutating func reset(_ id: StreamID, _ failure: StreamFailure) {
        bytes.append(frame: .reset, stream: id.rawValue, value: failure.code)
        streamFrames += 1
    }

    mutating func ping(_ token: UInt64) {
        bytes.append(frame: .ping, value: token)
    }

    mutating func answerPing(_ payload: UnsafeRawBufferPointer) {
        bytes.append(frame: .ping, flags: FrameFlags.answer, payload: payload)
        answers += 1
    }

    mutating func maxStreams(_ count: UInt32) {
        bytes.append(frame: .maxStreams, value: count)
    }

    mutating func goAway(lastStream: UInt32, _ reason: ReasonText) {
        var payload: [UInt8] = []
        payload.append(bigEndian: lastStream)
        payload.append(contentsOf: reason.encoded)
        bytes.append(frame: .goAway, payload: payload)
    }

    mutating func close(_ reason: ReasonText) {
        bytes.append(frame: .close, payload: reason.encoded)
    }
}
