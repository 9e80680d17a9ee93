import WireCoding

/// The beginning of a stream that carries a payload too long for a message stream (MESSAGING.md).
package struct LongHead: Hashable, Sendable {
    /// The item, without its payload.
    package let item: Item
    /// The number of payload bytes that follow.
    package let payloadCount: UInt64
    /// The size of this beginning, in bytes.
    package let count: Int

    /// The maximum size, in bytes: the length of the payload, and a header with an action of maximum length.
    package static let longest = 8 + Item.headerCount + Item.maxAction

    /// Returns the first bytes of such a stream.
    package static func encoded(_ item: Item) -> [UInt8] {
        var head = item
        head.payload = Payload(format: item.payload.format, bytes: [])
        var bytes = [UInt8](repeating: 0, count: 8)
        bytes.withUnsafeMutableBytes { space in
            var writer = ByteWriter(space)
            writer.uint64(UInt64(item.payload.bytes.count))
        }
        head.append(to: &bytes)
        return bytes
    }

    /// Reads the beginning; the result is `nil` if `bytes` does not hold all of it yet.
    package static func read(_ bytes: [UInt8]) -> Result<LongHead?, ItemFault> {
        bytes.withUnsafeBytes { bytes in
            var reader = ByteReader(bytes)
            guard let payloadCount = reader.uint64(), let length = reader.uint32() else {
                return .success(nil)
            }
            let end = 8 + 4 + Int(length)
            guard end <= Self.longest else { return .failure(ItemFault("its length")) }
            guard end <= bytes.count else { return .success(nil) }
            var cutter = ItemCutter()
            var found: Item?
            do throws(ItemFault) {
                try cutter.feed(UnsafeRawBufferPointer(rebasing: bytes[8..<end])) { item, _ in found = item }
            } catch {
                return .failure(error)
            }
            guard let item = found, item.payload.bytes.isEmpty else {
                return .failure(ItemFault("its length"))
            }
            return .success(LongHead(item: item, payloadCount: payloadCount, count: end))
        }
    }
}
