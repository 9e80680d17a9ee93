/// The type of a frame; the number goes over the wire (PROTOCOL.md, Frames).
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

    /// The first optional type: from here on, a receiver skips a frame whose type it does not know.
    static let firstOptional: UInt8 = 0x80

    /// The flags that a frame of this type can have.
    ///
    /// Any other flag violates the protocol, because a receiver cannot ignore what it may mean in a later version.
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
    /// PING: the frame is the answer.
    static let answer: UInt8 = 1
    /// MESSAGE: more of the message follows.
    static let more: UInt8 = 1
    /// MESSAGE: the message answers one with the same identifier.
    static let reply: UInt8 = 2
    /// MESSAGE: the answer reports a failure.
    static let error: UInt8 = 4
}

/// The kind of a KEY_UPDATE.
enum KeyUpdateKind {
    /// The sender uses the next key for the records after this one.
    static let ratchet: UInt8 = 0
}
