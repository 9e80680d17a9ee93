/// Memory for large reads and writes of sockets; it begins in the middle of a page.
///
/// The kernel puts the bytes that it sends into pages of its own, mostly from the start of a page, and copies them with one
/// instruction (`rep movsb`). On AMD processors since Zen 3 that copy is fifteen times slower (3.5 instead of 50 GB/s) when the
/// destination's offset in its page is 1 to 15 bytes larger than the source's. Records and frames begin with headers of 4 and 8
/// bytes, so the copy into page-aligned memory would always be slow. With an offset of half a page, it is slow only where small
/// writes have moved the kernel's offset by half a page too (docs/decisions/0019).
package enum BulkMemory {
    private static let pageCount = 4096
    private static let offset = pageCount / 2

    /// Allocates memory for `byteCount` bytes, uninitialized; free it with ``deallocate(_:)``.
    package static func allocate(byteCount: Int) -> UnsafeMutableRawPointer {
        .allocate(byteCount: offset + byteCount, alignment: pageCount) + offset
    }

    /// Frees memory of ``allocate(byteCount:)``.
    package static func deallocate(_ memory: UnsafeMutableRawPointer) {
        (memory - offset).deallocate()
    }
}
