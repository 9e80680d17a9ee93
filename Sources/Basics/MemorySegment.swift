/// A run of memory to read into or to write from: one element of a vectored read or write.
///
/// The layout is that of POSIX `struct iovec`, so an array of these can be passed to the system as it is.
package struct MemorySegment: BitwiseCopyable {
    /// The first byte.
    package var base: UnsafeMutableRawPointer?

    /// How many bytes there are.
    package var count: Int

    /// A run of `count` bytes from `base` on.
    @inlinable package init(base: UnsafeMutableRawPointer?, count: Int) {
        self.base = base
        self.count = count
    }

    /// Bytes that are only read: the system's type has no read-only form.
    @inlinable package init(reading bytes: UnsafeRawBufferPointer) {
        base = UnsafeMutableRawPointer(mutating: bytes.baseAddress)
        count = bytes.count
    }
}
