/// Notices when a crowd of streams has left, which is when the heap is worth being given back.
///
/// What many small objects leave behind is scattered over pages that the C library keeps for the next ones.
struct StreamCountPeak {
    /// The most streams since the heap was last given back.
    private var most = 0

    /// Looks at how many streams there are; to be called now and then.
    ///
    /// - Returns: whether a crowd has left since the last time when this was so.
    mutating func hasLeft(now count: Int) -> Bool {
        most = max(most, count)
        guard most >= Self.manyStreams, count <= most / 4 else { return false }
        most = count
        return true
    }

    /// Fewer streams leave too little behind for it: walking the heap takes a millisecond for some megabytes.
    private static let manyStreams = 256
}
