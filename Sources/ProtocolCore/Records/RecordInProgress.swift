import WireCoding

/// A record that frames are being put into, where it will be sealed.
struct RecordInProgress {
    /// Where its header goes.
    let base: UnsafeMutableRawPointer
    /// How much plaintext fits.
    let capacity: Int
    /// How much plaintext there is.
    var used = 0
    /// How much of it is an acknowledgement, which asks for none.
    var acknowledgement = 0
    /// Whether anything in it is said on a stream, or is a message.
    var isOfStreams = false
    /// The end of the free memory behind it.
    let end: UnsafeMutableRawPointer

    /// Where the next frame goes.
    var next: UnsafeMutableRawPointer { base + RecordHeader.count + used }
    var room: Int { capacity - used }
}
