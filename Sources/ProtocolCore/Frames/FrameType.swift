/// What a frame is for; the number goes over the wire (PROTOCOL.md, Frames).
enum FrameType: UInt8 {
    case padding = 0x00
    case open = 0x01
    case data = 0x02
    case window = 0x03
    case reset = 0x04
    case openResult = 0x05
    case ping = 0x06
    case goAway = 0x07
    case close = 0x08
    case keyUpdate = 0x09
    case ticket = 0x0A
    case message = 0x0B
    case maxStreams = 0x0C
    case acknowledgement = 0x0D

    /// From here on a receiver that does not know a type passes over the frame.
    static let firstOptional: UInt8 = 0x80

    /// The flags that a frame of this type can have; any other breaks a rule, because what it might come to mean
    /// cannot be ignored.
    var flags: UInt8 {
        switch self {
        case .data: FrameFlags.finish
        case .ping: FrameFlags.answer
        case .message: FrameFlags.more | FrameFlags.reply | FrameFlags.error
        case .padding, .open, .window, .reset, .openResult, .goAway, .close, .keyUpdate, .ticket, .maxStreams,
            .acknowledgement:
            0
        }
    }
}

/// The bits of a frame's second byte.
enum FrameFlags {
    /// DATA: nothing follows in this direction.
    static let finish: UInt8 = 1
    /// PING: this is the answer.
    static let answer: UInt8 = 1
    /// MESSAGE: more of it follows.
    static let more: UInt8 = 1
    /// MESSAGE: it answers one of the same identifier.
    static let reply: UInt8 = 2
    /// MESSAGE: the answer is that it did not work.
    static let error: UInt8 = 4
}

/// What a KEY_UPDATE asks for.
enum KeyUpdateKind {
    /// The sender goes on with the next key right after this record.
    static let ratchet: UInt8 = 0
}
