import WireCoding

/// A record into which frames are written, at the place where it will be sealed.
struct RecordInProgress {
    /// The address of the header.
    let base: UnsafeMutableRawPointer
    /// The maximum plaintext, in bytes.
    let capacity: Int
    /// The plaintext so far, in bytes.
    var used = 0
    /// The part of the plaintext that is an ACK, which does not ask to be acknowledged, in bytes.
    var acknowledgement = 0
    /// Whether the record holds a frame of a stream or a message.
    var isOfStreams = false
    /// The end of the free memory behind it.
    let end: UnsafeMutableRawPointer

    /// The address of the next frame.
    var next: UnsafeMutableRawPointer { base + RecordHeader.count + used }
    var room: Int { capacity - used }
}
