import WireCoding

/// Messages on their way out, in order; each goes in as many frames as records and credit allow.
struct OutgoingMessages {
    private var waiting: [SessionMessage] = []
    /// How many of them have gone.
    private var gone = 0
    /// How much of the first one has gone.
    private var offset = 0
    /// How many bytes wait, each message with what it takes beside its content.
    private(set) var bytes = 0

    /// `u16 type, u64 id` before the content.
    static let prefixCount = 10

    var isEmpty: Bool { gone == waiting.count }

    /// How much may wait: four of the longest.
    static let mostBytes = 4 * (SessionLimits.longestMessage + overhead)
    /// What even an empty message takes: without it, any number of them could wait.
    private static let overhead = 64

    /// Whether one more may wait.
    func hasRoom(for message: SessionMessage) -> Bool {
        message.bytes.count <= SessionLimits.longestMessage
            && bytes + Self.overhead + message.bytes.count <= Self.mostBytes
    }

    mutating func add(_ message: SessionMessage) {
        waiting.append(message)
        bytes += Self.overhead + message.bytes.count
    }

    /// Writes the next part as a whole frame.
    ///
    /// - Parameters:
    ///   - space: where it goes; more than a frame's header, the prefix and one byte.
    ///   - credit: how many bytes of content may be sent.
    /// - Returns: the size of the frame and how many bytes of content are in it.
    mutating func writeNext(
        to space: UnsafeMutableRawBufferPointer,
        credit: Int
    ) -> (frame: Int, content: Int) {
        let message = waiting[gone]
        let room = min(space.count - FrameHeader.count, FrameHeader.longestPayload) - Self.prefixCount
        let count = min(room, credit, message.bytes.count - offset)
        let isLast = offset + count == message.bytes.count
        var flags: UInt8 = isLast ? 0 : FrameFlags.more
        if message.isReply { flags |= FrameFlags.reply }
        if message.isError { flags |= FrameFlags.error }
        var writer = ByteWriter(space)
        writer.uint8(FrameType.message.rawValue)
        writer.uint8(flags)
        writer.uint16(UInt16(Self.prefixCount + count))
        writer.uint32(0)
        writer.uint16(message.type)
        writer.uint64(message.id)
        message.bytes.withUnsafeBytes {
            writer.bytes(UnsafeRawBufferPointer(rebasing: $0[offset..<offset + count]))
        }
        bytes -= count
        offset += count
        if isLast { dropFirst() }
        return (writer.count, count)
    }

    private mutating func dropFirst() {
        bytes -= Self.overhead
        offset = 0
        // Its content is given back at once, its place when as many have gone as wait.
        waiting[gone].bytes = []
        gone += 1
        if gone > waiting.count / 2 {
            waiting.removeFirst(gone)
            gone = 0
        }
    }
}

/// Puts messages together from their parts.
struct MessageAssembler {
    /// A question and its answer have one identifier, and both may be under way.
    private struct Key: Hashable {
        let id: UInt64
        let isReply: Bool
    }

    private var partial: [Key: SessionMessage] = [:]

    /// Takes a part.
    ///
    /// - Returns: the message, when it is whole.
    mutating func add(
        _ reader: inout ByteReader,
        flags: UInt8
    ) throws(ProtocolViolation) -> SessionMessage? {
        guard let type = reader.uint16(), let id = reader.uint64() else { throw .malformed("MESSAGE") }
        let content = reader.remainder()
        let isReply = flags & FrameFlags.reply != 0
        let isError = flags & FrameFlags.error != 0
        let key = Key(id: id, isReply: isReply)
        var message =
            partial.removeValue(forKey: key)
            ?? SessionMessage(type: type, id: id, isReply: isReply, isError: isError, bytes: [])
        guard message.type == type, message.isError == isError else {
            throw .malformed("MESSAGE: its parts differ")
        }
        guard message.bytes.count + content.count <= SessionLimits.longestMessage else {
            throw .limit("MESSAGE: too long")
        }
        message.bytes.append(contentsOf: content)
        guard flags & FrameFlags.more != 0 else { return message }
        guard partial.count < SessionLimits.mostPartialMessages else {
            throw .limit("MESSAGE: too many parts")
        }
        partial[key] = message
        return nil
    }
}
