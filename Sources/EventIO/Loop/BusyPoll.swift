import Basics

/// Decides whether an idle loop polls its descriptors for a moment (busy polling) before its thread blocks.
///
/// The scheduler wakes a blocked thread, and on a virtual machine a sleeping processor takes tens of microseconds to wake. A
/// request and its answer wait four times in the tunnel. While answers arrive within ``maxPollTime``, a polling loop avoids all
/// of these waits. Between two polls other threads may use the processor, so polling spends only processor time that no other
/// thread wants. Polling pauses when it brings no gain, so that idle and slow streams cost nothing
/// (docs/decisions/0018-workers-busy-poll-before-blocking.md).
///
/// A state machine without a clock; ``EventLoop`` passes it the events and their times.
struct BusyPoll {
    private enum State {
        /// The loop does not poll: the thread may block, or this turn has not reached the wait yet.
        case inactive
        /// The loop has polled since `since`; the last poll was at `last`.
        case polling(since: Instant, last: Instant)
        /// The loop has polled in this turn and found nothing: now the thread blocks.
        case gaveUp
    }

    /// The maximum time for which a loop polls before it blocks.
    ///
    /// Larger: more processor time for answers that arrive even later. Smaller: answers arrive after the loop has given up; an
    /// answer of a service on the same machine takes 20 to 40 µs through both ends.
    static let maxPollTime = TimeSpan.microseconds(60)
    /// The longest absence from the processor that does not count against polling.
    ///
    /// Threads that exchange requests and answers use the processor for less than this, and return it.
    static let shortAbsence = TimeSpan.microseconds(50)
    /// The number of bytes read in a turn above which the turn counts as bulk.
    ///
    /// After such a turn no user waits for an answer, and bulk costs less when more of it has accumulated.
    static let maxBytes = 16384
    /// The time after the beginning of a bulk turn in which the loop does not poll.
    ///
    /// The next turn of bulk comes after about half of this time. Events before it are only acknowledgements and free space in
    /// sockets.
    private static let bulkRest = TimeSpan.microseconds(300)

    /// The absence from the processor above which another thread is considered busy.
    private static let longAbsence = TimeSpan.microseconds(250)
    /// The points for a poll that finds nothing.
    ///
    /// A successful poll takes one point back, so at least two of three polls must succeed.
    private static let pointsForNothing = 2
    /// The number of points at which polling pauses.
    private static let maxPointsForNothing = 8
    /// The pause after polls that found nothing: four polls in this time are one hundredth of a processor.
    private static let rest = TimeSpan.milliseconds(24)
    /// The points for an absence; a successful poll takes one point back, so one in two hundred polls may meet an absence.
    ///
    /// The scheduler does not prefer a thread that is awake when an event arrives for it. That thread waits until the others have
    /// had their turn, and these waits make up the slowest hundredth of answers.
    private static let pointsForAbsence = 200
    private static let maxPointsForAbsence = 800
    /// The pause after absences: at first the lower bound, then doubled each time, up to the upper bound.
    ///
    /// Beside bulk, every attempt to poll delays some answers. With 160 ms between two attempts, fewer than one in a hundred
    /// answers is delayed. With longer pauses, a lone ping took about 50 % longer, because other threads disturb it now and then.
    private static let absenceRests: (first: TimeSpan, max: TimeSpan) = (
        .milliseconds(10), .milliseconds(160)
    )
    /// The number of successes in a row, about half a second of them, that shows that the other threads are gone.
    ///
    /// Beside bulk, a twentieth of a second without an absence proves nothing, because threads move between processors.
    private static let quietStreak = 8192

    private let isEnabled: Bool
    private var state = State.inactive
    private var restsUntil = Instant.start
    private var nothingPoints = 0
    private var absencePoints = 0
    private var streak = 0
    private var absenceRest = absenceRests.first

    /// Creates the state of a loop that has not polled yet; unless `isEnabled`, the loop never polls.
    init(isEnabled: Bool) {
        self.isEnabled = isEnabled
    }

    /// Whether the loop is polling.
    var isPolling: Bool {
        if case .polling = state { return true }
        return false
    }

    /// Notes that a turn has ended, which began at `began` and read `bytes`.
    mutating func turnEnded(bytes: Int, began: Instant) {
        if bytes > Self.maxBytes { restsUntil = max(restsUntil, began.advanced(by: Self.bulkRest)) }
    }

    /// Decides whether the loop polls instead of waiting; it has nothing to do before `deadline`.
    ///
    /// - Returns: whether the loop polls.
    mutating func begins(at now: Instant, deadline: Instant) -> Bool {
        guard isEnabled, now >= restsUntil, case .inactive = state,
            deadline.span(since: now) > Self.maxPollTime
        else { return false }
        state = .polling(since: now, last: now)
        return true
    }

    /// Notes that the loop polled, found nothing, and let other threads use the processor.
    mutating func foundNothing(at now: Instant) {
        guard case .polling(let since, let last) = state else { return }
        let absence = now.span(since: last)
        if absence > Self.shortAbsence {
            wasAbsent(for: absence, since: since)
            state = .gaveUp
        } else if now.span(since: since) >= Self.maxPollTime {
            nothingPoints += Self.pointsForNothing
            if nothingPoints >= Self.maxPointsForNothing { rest(for: Self.rest, from: since) }
            state = .gaveUp
        } else {
            state = .polling(since: since, last: now)
        }
    }

    /// Notes that the loop polled and found an event.
    mutating func foundSomething() {
        nothingPoints = max(0, nothingPoints - 1)
        absencePoints = max(0, absencePoints - 1)
        streak += 1
        if streak == Self.quietStreak { absenceRest = Self.absenceRests.first }
    }

    /// Notes that the next turn begins.
    mutating func turnBegins() {
        state = .inactive
    }

    /// Notes that other threads had the processor for longer than ``shortAbsence``.
    private mutating func wasAbsent(for absence: TimeSpan, since: Instant) {
        streak = 0
        absencePoints += absence > Self.longAbsence ? Self.maxPointsForAbsence : Self.pointsForAbsence
        guard absencePoints >= Self.maxPointsForAbsence else { return }
        rest(for: absenceRest, from: since)
        absenceRest = min(absenceRest * 2, Self.absenceRests.max)
    }

    private mutating func rest(for time: TimeSpan, from now: Instant) {
        nothingPoints = 0
        absencePoints = 0
        restsUntil = now.advanced(by: time)
    }
}
