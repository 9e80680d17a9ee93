import WireCoding

/// The unit of a message stream: a packet, a request or a reply, each with a header (MESSAGING.md).
package struct Item: Hashable, Sendable {
    /// The kind of an item.
    package enum Kind: UInt8, Sendable {
        /// The first item that a server sends: the name of its application.
        case welcome = 0
        /// A packet whose sender does not wait.
        case packet = 1
        /// A packet whose sender waits until it is in the receiver's inbox.
        case confirmedPacket = 2
        /// A packet whose sender waits for the answer.
        case request = 3
        /// The answer to a request, or the confirmation that a packet is in the inbox.
        case reply = 4
        /// The report that a request was not answered, or a packet not accepted: a code and a text.
        case failure = 5
        /// The report that the sender of a request no longer waits for the answer.
        case cancel = 6

        /// Whether items of this kind have an action.
        var hasAction: Bool {
            switch self {
            case .packet, .confirmedPacket, .request: true
            case .welcome, .reply, .failure, .cancel: false
            }
        }
    }

    /// The kind of the item.
    package var kind: Kind
    /// The number that the sender gave the item, or the number of the item that it answers.
    package var number: UInt64
    /// The time when the item was made, in microseconds since 1970.
    package var created: UInt64
    /// The action; empty for kinds that have none.
    package var action: String
    /// The payload.
    package var payload: Payload

    /// The maximum size of a payload, in bytes; a longer one gets a stream of its own.
    ///
    /// Larger: an urgent item would wait too long behind it. Smaller: the header would cost a noticeable share of the bytes.
    package static let maxPayload = 64 << 10
    /// The maximum length of an action, in bytes.
    package static let maxAction = 255
    /// The size of the header: length, kind, format, number, time and the length of the action.
    static let headerCount = 4 + 1 + 1 + 8 + 8 + 1
    /// The maximum size of a whole item, in bytes.
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

    /// The size of the encoded item, in bytes.
    var encodedCount: Int { Self.headerCount + action.utf8.count + payload.bytes.count }

    /// Appends the encoded item to `bytes`.
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

    /// Reads an item whose length has already been read.
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

/// The error of an item that cannot be read.
package struct ItemFault: Error, Hashable, Sendable {
    /// The part of the item that is wrong.
    package let part: String

    init(_ part: String) {
        self.part = part
    }
}

/// Splits the bytes of a message stream into items.
package struct ItemCutter {
    /// The beginning of an item whose remaining bytes have not arrived.
    private var carried: [UInt8] = []

    package init() {}

    /// The number of bytes that are kept until the rest of their item arrives.
    package var carriedCount: Int { carried.count }

    /// Takes bytes, and calls `handle` for each complete item, with the number of bytes that it occupied.
    ///
    /// Throws if the bytes cannot be an item; the rest of the stream cannot be read then.
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

    /// Reads all complete items.
    ///
    /// Checks the length of an item before the rest has arrived, so that an invalid length makes this end keep no memory.
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
