/// Notices when most of many streams have ended: then it pays to return the heap's free memory to the system.
///
/// The free memory of many small objects is scattered over pages that the C library keeps for later objects.
struct StreamCountPeak {
    /// The largest number of streams since memory was last returned.
    private var most = 0

    /// Notes the current number of streams; called a few times a second.
    ///
    /// - Returns: whether there were many streams, and at least three quarters of them have ended; then a new peak begins.
    mutating func hasLeft(now count: Int) -> Bool {
        most = max(most, count)
        guard most >= Self.manyStreams, count <= most / 4 else { return false }
        most = count
        return true
    }

    /// The smallest peak after which the heap is walked.
    ///
    /// Fewer streams leave too little free memory, and the walk takes a millisecond for a few megabytes.
    private static let manyStreams = 256
}
