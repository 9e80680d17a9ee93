import Basics

/// The part of the log that streams may fill: small at first, and larger if it is what limits the streams.
///
/// If the peer takes bytes more slowly than they arrive here, a large log fills up without benefit, and each byte has left the
/// processor's cache before its memory is used again (decision 0013). This type measures the time from the moment when the
/// streams had to stop until the peer has acknowledged everything up to that point.
struct LogAllowance {
    /// The number of bytes of records that may be kept before streams have to wait.
    private(set) var size: Int
    private let least: Int
    private let largest: Int
    /// The number of records when the streams had to stop, and the time of that.
    private var mark: (records: UInt64, at: Instant)?
    /// The number of measurements in a row that asked for more, if positive, or for less, if negative.
    private var balance = 0

    /// Creates the allowance for a log of at most `largest` bytes.
    init(largest: Int) {
        least = min(largest, Self.first)
        size = least
        self.largest = largest
    }

    /// Notes that the streams have more than they may add to the log, in which `records` records were sealed so far.
    mutating func isFull(records: UInt64, at now: Instant) {
        if mark == nil { mark = (records, now) }
    }

    /// Notes that the peer has acknowledged `records` records; `roundTrip` is the shortest known round-trip time.
    mutating func acknowledged(_ records: UInt64, roundTrip: Duration?, at now: Instant) {
        guard let mark, records >= mark.records else { return }
        self.mark = nil
        let took = now.duration(since: mark.at)
        // Most of the time was the round trip itself: the path is not full yet.
        if let roundTrip, took <= roundTrip * 2 {
            resize(to: size * 2)
        } else {
            vote(took > Self.fastPerByte * size ? 1 : -1)
        }
    }

    /// Drops the measurements of the lost link.
    mutating func linkLost() {
        mark = nil
        balance = 0
    }

    private mutating func vote(_ vote: Int) {
        balance = balance * vote < 0 ? vote : balance + vote
        guard abs(balance) >= Self.votes else { return }
        resize(to: balance > 0 ? size * 2 : size / 2)
    }

    private mutating func resize(to wanted: Int) {
        balance = 0
        size = min(max(wanted, least), largest)
    }

    /// The initial allowance, in bytes.
    ///
    /// Larger: memory without benefit between machines that are close to each other. Smaller: both ends of a fast path stop and
    /// start again all the time.
    private static let first = 4 << 20
    /// The time per byte of a peer that takes 250 MB a second: for a faster peer, a larger allowance has no benefit.
    ///
    /// Larger: it holds back peers that are far away and whose round-trip time varies. Smaller: the log fills the caches of
    /// machines that are close to each other.
    private static let fastPerByte = Duration.nanoseconds(4)
    /// The number of measurements in a row that decide.
    ///
    /// Smaller: one measurement that came while the processor was busy elsewhere would pass for a slow path.
    private static let votes = 4
}
