import Basics

/// Decides whether a loop with nothing to do polls its descriptors for a moment before its thread blocks.
///
/// A blocked thread is woken by the scheduler, and on a virtual machine a processor that has gone to sleep takes tens of
/// microseconds to wake. A request and its answer wait four times in the tunnel. While answers arrive within
/// ``maxPollTime``, a polling loop pays for none of these waits. Between two polls other threads may have the processor, so
/// polling spends only what nobody else wants. It stops where it does not pay, so that idle and slow streams cost nothing
/// (docs/decisions/0018-workers-busy-poll-before-blocking.md).
///
/// A state machine without a clock: ``EventLoop`` tells it what happened.
struct BusyPoll {
    private enum State {
        /// The thread may block, or has not come to that yet.
        case inactive
        /// The loop polls since `since`; the last poll was at `last`.
        case polling(since: Instant, last: Instant)
        /// The loop has polled in this turn and found nothing: now the thread blocks.
        case gaveUp
    }

    /// How long a loop polls.
    ///
    /// Shorter: answers arrive after it has given up; one from a service on the same machine takes 20 to 40 µs through both
    /// ends. Longer: more is spent on answers that arrive later still.
    static let maxPollTime = TimeSpan.microseconds(60)
    /// Threads that ask and answer use the processor for less than this, and return it.
    static let shortAbsence = TimeSpan.microseconds(50)
    /// After a turn that read more than this, in bytes, nobody waits for an answer: bulk costs less when more of it has
    /// gathered.
    static let maxBytes = 16384
    /// For this long after such a turn began, the loop does not poll: what happens before the next turn of bulk, in about half
    /// of this time, are acknowledgements and room in sockets.
    private static let bulkRest = TimeSpan.microseconds(300)

    /// A thread that keeps the processor for longer than this has much to do.
    private static let longAbsence = TimeSpan.microseconds(250)
    /// Points for polling in vain; polling with success takes one back, so at least two of three polls have to succeed.
    private static let pointsForNothing = 2
    /// At this many points polling rests.
    private static let maxPointsForNothing = 8
    /// How long it rests then: four polls in this time are one hundredth of a processor.
    private static let rest = TimeSpan.milliseconds(24)
    /// The same for absences: one of two hundred polls may meet one.
    ///
    /// The scheduler does not prefer a thread that is awake when something happens for it. That thread waits until the others
    /// have had their turn, and the slowest hundredth of answers consists of that.
    private static let pointsForAbsence = 200
    private static let maxPointsForAbsence = 800
    /// How long polling rests then: first the lower bound, then twice as long each time up to the upper bound.
    ///
    /// Beside bulk every attempt delays some answers; with 160 ms between two of them those are fewer than one in a hundred.
    /// Longer rests made a lone ping, which something disturbs now and then, half as fast again.
    private static let absenceRests: (first: TimeSpan, max: TimeSpan) = (
        .milliseconds(10), .milliseconds(160)
    )
    /// After this many successes in a row, about half a second of them, the other threads are gone.
    ///
    /// Beside bulk a twentieth of a second without an absence says nothing: threads move between processors.
    private static let quietStreak = 8192

    private let isEnabled: Bool
    private var state = State.inactive
    private var restsUntil = Instant.start
    private var nothingPoints = 0
    private var absencePoints = 0
    private var streak = 0
    private var absenceRest = absenceRests.first

    /// A loop that never polls unless `isEnabled`.
    init(isEnabled: Bool) {
        self.isEnabled = isEnabled
    }

    /// Whether the loop is polling.
    var isPolling: Bool {
        if case .polling = state { return true }
        return false
    }

    /// A turn that began at `began` has read `bytes`.
    mutating func turnEnded(bytes: Int, began: Instant) {
        if bytes > Self.maxBytes { restsUntil = max(restsUntil, began.advanced(by: Self.bulkRest)) }
    }

    /// The loop is about to wait, with nothing to do before `deadline`.
    ///
    /// - Returns: whether it polls instead.
    mutating func begins(at now: Instant, deadline: Instant) -> Bool {
        guard isEnabled, now >= restsUntil, case .inactive = state,
            deadline.span(since: now) > Self.maxPollTime
        else { return false }
        state = .polling(since: now, last: now)
        return true
    }

    /// The loop polled, found nothing, and let other threads have the processor.
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

    /// The loop polled, and something had happened.
    mutating func foundSomething() {
        nothingPoints = max(0, nothingPoints - 1)
        absencePoints = max(0, absencePoints - 1)
        streak += 1
        if streak == Self.quietStreak { absenceRest = Self.absenceRests.first }
    }

    /// The next turn begins.
    mutating func turnBegins() {
        state = .inactive
    }

    /// Other threads had the processor for longer than ``shortAbsence``.
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
