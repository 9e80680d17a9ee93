/// A contiguous piece of memory: one element of a vectored read or write.
///
/// The layout is that of POSIX `struct iovec`, so an array of these can be passed to the system without conversion.
package struct MemorySegment: BitwiseCopyable {
    /// The first byte.
    package var base: UnsafeMutableRawPointer?

    /// The number of bytes.
    package var count: Int

    /// The `count` bytes that start at `base`.
    @inlinable package init(base: UnsafeMutableRawPointer?, count: Int) {
        self.base = base
        self.count = count
    }

    /// Bytes that are only read: `iovec` has no read-only form.
    @inlinable package init(reading bytes: UnsafeRawBufferPointer) {
        base = UnsafeMutableRawPointer(mutating: bytes.baseAddress)
        count = bytes.count
    }
}
