import WireCoding

/// What is sent on a lane: a packet, a request, a reply, each with its header (MESSAGING.md).
package struct Item: Hashable, Sendable {
    /// What it is.
    package enum Kind: UInt8, Sendable {
        /// The first thing that a server says: its application's name.
        case welcome = 0
        /// A packet that nobody waits for.
        case packet = 1
        /// A packet whose sender waits until it is in the receiver's inbox.
        case confirmedPacket = 2
        /// A packet whose sender waits for the answer.
        case request = 3
        /// The answer to a request, or that a packet is in the inbox.
        case reply = 4
        /// That a request was not answered, or a packet not taken: a code and a text.
        case failure = 5
        /// Nobody waits for the answer to a request any more.
        case cancel = 6

        /// Whether it is about something.
        var hasAction: Bool {
            switch self {
            case .packet, .confirmedPacket, .request: true
            case .welcome, .reply, .failure, .cancel: false
            }
        }
    }

    /// What it is.
    package var kind: Kind
    /// Which one it is of those that its sender has sent, or which one it answers.
    package var number: UInt64
    /// When it was made: microseconds since 1970.
    package var created: UInt64
    /// What it is about; empty where nothing goes by it.
    package var action: String
    /// What it carries.
    package var payload: Payload

    /// Bytes of a payload, at most: what is longer travels as a stream of its own.
    ///
    /// More, and an urgent one would wait behind it; less, and the header would be felt.
    package static let maxPayload = 64 << 10
    /// Bytes of an action's name, at most.
    package static let maxAction = 255
    /// Length, kind, format, number, time and the length of the action.
    static let headerCount = 4 + 1 + 1 + 8 + 8 + 1
    /// Of a whole item.
    package static let longest = headerCount + maxAction + maxPayload

    package init(
        _ kind: Kind,
        number: UInt64,
        created: UInt64 = 0,
        action: String = "",
        payload: Payload = .empty
    ) {
        self.kind = kind
        self.number = number
        self.created = created
        self.action = action
        self.payload = payload
    }

    /// How many bytes it takes.
    var encodedCount: Int { Self.headerCount + action.utf8.count + payload.bytes.count }

    /// Puts it behind other bytes.
    package func append(to bytes: inout [UInt8]) {
        let count = encodedCount
        let start = bytes.count
        bytes.append(contentsOf: repeatElement(0, count: Self.headerCount))
        bytes.withUnsafeMutableBytes { all in
            var writer = ByteWriter(UnsafeMutableRawBufferPointer(rebasing: all[start...]))
            writer.uint32(UInt32(clamping: count - 4))
            writer.uint8(kind.rawValue)
            writer.uint8(payload.format.rawValue)
            writer.uint64(number)
            writer.uint64(created)
            writer.uint8(UInt8(clamping: action.utf8.count))
        }
        bytes.append(contentsOf: action.utf8)
        bytes.append(contentsOf: payload.bytes)
    }

    /// Reads one without its length.
    fileprivate init(_ reader: inout ByteReader) throws(ItemFault) {
        guard let kind = reader.uint8().flatMap(Kind.init(rawValue:)) else { throw ItemFault("its kind") }
        guard let format = reader.uint8().flatMap(Payload.Format.init(rawValue:)) else {
            throw ItemFault("its format")
        }
        guard let number = reader.uint64(), let created = reader.uint64(), let length = reader.uint8(),
            let name = reader.bytes(Int(length))
        else { throw ItemFault("its length") }
        guard let action = String(validating: name, as: UTF8.self), action.isEmpty != kind.hasAction else {
            throw ItemFault("its action")
        }
        let rest = reader.remainder()
        guard rest.count <= Self.maxPayload else { throw ItemFault("its length") }
        self.kind = kind
        self.number = number
        self.created = created
        self.action = action
        payload = Payload(format: format, bytes: Array(rest))
    }
}

/// What cannot be read of an item.
package struct ItemFault: Error, Hashable, Sendable {
    /// Which part.
    package let part: String

    init(_ part: String) {
        self.part = part
    }
}

/// Cuts what comes on a lane into items.
package struct ItemCutter {
    /// The beginning of an item whose rest has not come.
    private var carried: [UInt8] = []

    package init() {}

    /// How many bytes wait for their rest.
    package var carriedCount: Int { carried.count }

    /// Takes bytes, and calls `handle` for each item that is whole, with the bytes that it took.
    ///
    /// Throws when there is something that cannot be an item; nothing that follows can be read then.
    package mutating func feed(
        _ bytes: UnsafeRawBufferPointer,
        _ handle: (Item, Int) -> Void
    ) throws(ItemFault) {
        if carried.isEmpty {
            let used = try Self.cut(bytes, handle)
            if used < bytes.count { carried = Array(bytes[used...]) }
            return
        }
        carried.append(contentsOf: bytes)
        let all = carried
        carried = []
        let result = all.withUnsafeBytes { all -> Result<Int, ItemFault> in
            do throws(ItemFault) { return .success(try Self.cut(all, handle)) } catch {
                return .failure(error)
            }
        }
        let used = try result.get()
        if used < all.count { carried = Array(all[used...]) }
    }

    /// The length alone tells whether to wait, so that a liar is found out before anything is kept for it.
    private static func cut(
        _ bytes: UnsafeRawBufferPointer,
        _ handle: (Item, Int) -> Void
    ) throws(ItemFault) -> Int {
        var offset = 0
        while true {
            var reader = ByteReader(UnsafeRawBufferPointer(rebasing: bytes[offset...]))
            guard let length = reader.uint32() else { return offset }
            let count = Int(length)
            guard count >= Item.headerCount - 4, count <= Item.longest - 4 else {
                throw ItemFault("its length")
            }
            guard let body = reader.bytes(count) else { return offset }
            var inside = ByteReader(body)
            handle(try Item(&inside), count + 4)
            offset += count + 4
        }
    }
}
