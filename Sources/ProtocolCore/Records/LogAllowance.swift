import Basics

/// How much of the log streams may fill: little at first, and more where that is what holds them back.
///
/// What a peer takes slower than it comes would otherwise fill the log for nothing, and each byte of it would have left the
/// processor's cache before its memory is used again (decision 0013). What is measured is how long it takes from the moment
/// when the streams had to stop until the peer has everything up to there.
struct LogAllowance {
    /// How many bytes of records may be kept before streams have to wait.
    private(set) var size: Int
    private let least: Int
    private let largest: Int
    /// How many records there were when the streams had to stop, and when that was.
    private var mark: (records: UInt64, at: Instant)?
    /// How many of the last measurements spoke for more, if above 0, or for less.
    private var balance = 0

    /// `largest` is the bound of the log.
    init(largest: Int) {
        least = min(largest, Self.first)
        size = least
        self.largest = largest
    }

    /// The streams have more than they may add to the log, which has so many records by now.
    mutating func isFull(records: UInt64, at now: Instant) {
        if mark == nil { mark = (records, now) }
    }

    /// The peer has so many records; `roundTrip` is the shortest way to it and back that is known.
    mutating func acknowledged(_ records: UInt64, roundTrip: Duration?, at now: Instant) {
        guard let mark, records >= mark.records else { return }
        self.mark = nil
        let took = now.duration(since: mark.at)
        // Most of the time was the way itself: it is not full yet.
        if let roundTrip, took <= roundTrip * 2 {
            resize(to: size * 2)
        } else {
            vote(took > Self.fastPerByte * size ? 1 : -1)
        }
    }

    /// The link is gone, and with it what was measured.
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

    /// What streams may fill at first.
    ///
    /// More would be memory that nothing gains from, between machines that are close to each other; less would have both
    /// ends of a fast way stop and begin again all the time.
    private static let first = 4 << 20
    /// Who takes bytes as fast as this, 250 MB in a second, is not helped by more that waits for it.
    ///
    /// Shorter would fill the caches of machines that are close to each other; longer would hold back who is far away and
    /// whose way back and forth does not always take the same time.
    private static let fastPerByte = Duration.nanoseconds(4)
    /// So many measurements in a row decide.
    ///
    /// Fewer would take one that came while the processor was elsewhere for a slow way.
    private static let votes = 4
}
