/// Notices when most of many streams have ended: then it pays to return the heap's free memory to the system.
///
/// The free memory of many small objects is scattered over pages that the C library keeps for later objects.
struct StreamCountPeak {
    /// The largest number of streams since memory was last returned.
    private var most = 0

    /// Notes the current number of streams; called a few times a second.
    ///
    /// - Returns: whether most of many streams have ended since the last time that this was so.
    mutating func hasLeft(now count: Int) -> Bool {
        most = max(most, count)
        guard most >= Self.manyStreams, count <= most / 4 else { return false }
        most = count
        return true
    }

    /// Fewer streams leave too little free memory: walking the heap takes a millisecond for a few megabytes.
    private static let manyStreams = 256
}
