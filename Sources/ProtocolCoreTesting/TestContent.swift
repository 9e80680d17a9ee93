import CryptoPrimitives

/// The endless byte sequence of a seed.
///
/// Bytes are filled in and compared in runs, not one by one: in an unoptimised build, a simulation would otherwise spend most of
/// its time on that. Two sequences, or one sequence at two offsets, differ nearly everywhere, so a byte that arrives twice,
/// too early or on another stream is detected.
package enum TestContent {
    /// A prime, so that the content does not repeat at multiples of the power-of-two sizes of records and windows.
    private static let period = 65521

    private static let page: [UInt8] = {
        var random = SplitMix(seed: 0)
        return (0..<period).map { _ in UInt8.random(in: 0...255, using: &random) }
    }()

    /// Fills `space` with the bytes of the sequence that start at `offset`.
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

    /// Whether `bytes` are the bytes of the sequence that start at `offset`.
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
