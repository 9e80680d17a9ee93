import Vocabulary
import WireCoding

/// A FIFO queue of encoded control frames for the next record.
///
/// Credit and acknowledgements do not wait here: this end can send them later in a shorter form.
struct ControlQueue {
    private var bytes: [UInt8] = []
    private var taken = 0
    /// The number of queued answers to PINGs.
    private(set) var answers = 0

    /// The number of queued frames of streams.
    private(set) var streamFrames = 0

    /// The number of queued bytes.
    var count: Int { bytes.count - taken }
    var isEmpty: Bool { count == 0 }

    /// The number of bytes that fit without a new allocation.
    var capacity: Int { bytes.capacity }

    /// The size of the oldest frame, in bytes; 0 if there is none.
    var nextCount: Int {
        guard !isEmpty else { return 0 }
        return FrameHeader.count + Int(bytes[taken + 2]) << 8 + Int(bytes[taken + 3])
    }

    /// Removes the oldest frame and copies it to `base`.
    ///
    /// - Parameter base: memory with room for ``nextCount`` bytes.
    /// - Returns: whether it is a frame of a stream.
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
            // A queue that is never quite empty must not grow by the frames that have left it.
            bytes.removeFirst(taken)
            taken = 0
        }
        return isOfStream
    }

    /// Removes all frames: CLOSE makes them pointless.
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
