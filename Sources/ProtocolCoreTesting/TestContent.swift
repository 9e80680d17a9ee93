import CryptoPrimitives

/// The bytes of an endless stream that a seed stands for.
///
/// They are filled in and compared by the run and not by the byte, because in an unoptimised build that is what a
/// simulation would spend its time with. Two seeds and two offsets differ nearly everywhere, so that a byte which
/// comes twice, too early or on another stream is noticed.
package enum TestContent {
    /// A prime, so that no power of two that a record or a window has for its size comes around to the same place.
    private static let period = 65521

    private static let page: [UInt8] = {
        var random = SplitMix(seed: 0)
        return (0..<period).map { _ in UInt8.random(in: 0...255, using: &random) }
    }()

    /// Fills `space` with the bytes from `offset` on.
    package static func fill(_ space: UnsafeMutableRawBufferPointer, seed: UInt64, offset: UInt64) {
        var filled = 0
        while filled < space.count {
            let start = place(seed, offset + UInt64(filled))
            let count = min(period - start, space.count - filled)
            page.withUnsafeBytes { page in
                UnsafeMutableRawBufferPointer(rebasing: space[filled..<filled + count])
                    .copyMemory(from: UnsafeRawBufferPointer(rebasing: page[start..<start + count]))
            }
            filled += count
        }
    }

    /// Whether `bytes` are those from `offset` on.
    package static func matches(_ bytes: UnsafeRawBufferPointer, seed: UInt64, offset: UInt64) -> Bool {
        var compared = 0
        while compared < bytes.count {
            let start = place(seed, offset + UInt64(compared))
            let count = min(period - start, bytes.count - compared)
            let isSame = page.withUnsafeBytes { page in
                ConstantTime.areEqual(
                    UnsafeRawBufferPointer(rebasing: page[start..<start + count]),
                    UnsafeRawBufferPointer(rebasing: bytes[compared..<compared + count])
                )
            }
            guard isSame else { return false }
            compared += count
        }
        return true
    }

    private static func place(_ seed: UInt64, _ offset: UInt64) -> Int {
        Int((seed &* 7919 &+ offset) % UInt64(period))
    }
}
