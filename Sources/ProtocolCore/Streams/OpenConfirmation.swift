import Basics

/// The streams of this end that the peer has certainly known for a second.
///
/// The peer tolerates only a limited number of RESETs of young streams, and for the peer a stream is young for a second after
/// its OPEN arrived. This end does not know how long OPEN was under way: a link may stall and then deliver OPEN and RESET
/// together. But a record that the peer has acknowledged has arrived, so a stream is old enough a second after the
/// acknowledgement, and no sooner.
struct OpenConfirmation {
    /// The last stream that is old enough, as are all streams before it.
    private(set) var settled: UInt32 = 0
    /// The last stream whose OPEN waits for its acknowledgement, and the number of records that has to be acknowledged.
    private var mark: (stream: UInt32, records: UInt64)?
    /// The last stream that was marked, and the time at which the next mark is allowed.
    private var marked: UInt32 = 0
    private var nextMark = Instant(nanoseconds: 0)
    /// The last stream of each acknowledged mark and the time of the acknowledgement, oldest first.
    private var confirmed: [(stream: UInt32, at: Instant)] = []

    /// Notes that the OPEN of every stream up to this one is in the `records` records sealed so far.
    mutating func sealed(upTo stream: UInt32, records: UInt64, at now: Instant) {
        guard mark == nil, stream > marked, now >= nextMark else { return }
        mark = (stream, records)
        marked = stream
        nextMark = now.advanced(by: Self.spacing)
    }

    /// Notes that the peer has acknowledged `records` records.
    mutating func acknowledged(_ records: UInt64, at now: Instant) {
        guard let mark, records >= mark.records else { return }
        confirmed.append((mark.stream, now))
        self.mark = nil
    }

    /// Updates ``settled`` for the time `now`.
    mutating func settle(at now: Instant) {
        let count = confirmed.prefix { now >= $0.at.advanced(by: SessionLimits.earlyResetAge) }.count
        guard count > 0 else { return }
        settled = confirmed[count - 1].stream
        confirmed.removeFirst(count)
    }

    /// The time at which more streams will be old enough or can be marked; `nil` if time alone is not enough.
    func nextChange(upTo stream: UInt32) -> Instant? {
        if let first = confirmed.first { return first.at.advanced(by: SessionLimits.earlyResetAge) }
        return mark == nil && marked < stream ? nextMark : nil
    }

    /// The minimum time between two marks, so that there are never more than some twenty of them in a second.
    private static let spacing = Duration.milliseconds(50)
}
