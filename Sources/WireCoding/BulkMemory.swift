/// Memory that sockets are read into and written from in large runs.
///
/// It begins in the middle of a page. The system puts what it sends into pages of its own, mostly from their beginning on,
/// and copies with one instruction (`rep movsb`). On AMD's processors since Zen 3 that is fifteen times slower when the
/// destination lies 1 to 15 bytes further into its page than the source into its own: 3.5 instead of 50 GB/s. Records and
/// their frames begin with 4 and 8 bytes of headers, so that memory which begins with a page has it happen for good.
/// Half a page away from where the system begins, it happens only where small writes have moved the system's place by half
/// a page as well (docs/decisions/0019).
package enum BulkMemory {
    private static let pageCount = 4096
    private static let offset = pageCount / 2

    /// Memory for `byteCount` bytes; what is in it is whatever was there.
    ///
    /// It goes back with ``deallocate(_:)`` alone.
    package static func allocate(byteCount: Int) -> UnsafeMutableRawPointer {
        .allocate(byteCount: offset + byteCount, alignment: pageCount) + offset
    }

    /// Gives back what ``allocate(byteCount:)`` gave.
    package static func deallocate(_ memory: UnsafeMutableRawPointer) {
        (memory - offset).deallocate()
    }
}
