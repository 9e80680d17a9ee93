/// Whether a loop that has nothing to do looks again for a moment before its thread sleeps, and when it should not.
///
/// A thread that sleeps is woken by way of the scheduler, and a processor that sleeps with it takes tens of microseconds more
/// on a virtual machine. A request and its answer go through four such waits in the tunnel. While answers come sooner than
/// ``limit``, none of them is paid. The processor is offered to others between one look and the next, so what is spent is what
/// nobody else wants; and where looking does not pay it stops, so that idle and slow streams cost nothing
/// (docs/decisions/0018-look-before-sleeping.md).
struct BusyPoll {
    /// What came of looking.
    enum Outcome {
        /// Something happened meanwhile.
        case found
        /// Nothing did.
        case nothing
        /// Others had the processor for so many nanoseconds, longer than ``shortAbsence``.
        case crowded(UInt64)
    }

    /// How long it looks, in nanoseconds.
    ///
    /// Shorter, and what is waited for comes after it has given up: an answer from a service on the same machine takes 20 to
    /// 40 µs through both ends. Longer, and more is spent where it comes later still.
    static let limit: UInt64 = 60_000
    /// Those that ask and answer have the processor for less than this, in nanoseconds, and give it back.
    static let shortAbsence: UInt64 = 50_000
    /// After a turn that moved more than this, in bytes, nobody waits for an answer: bulk is cheaper the more of it has come
    /// together.
    static let mostBytes = 16384
    /// Nor for so long since such a turn began, in nanoseconds: what happens between one and the next, which takes half of it,
    /// are acknowledgements and room in sockets.
    private static let bulkRest: UInt64 = 300_000

    /// Whoever has the processor for longer than this, in nanoseconds, has much to do.
    private static let longAbsence: UInt64 = 250_000
    /// Points for a look that found nothing; one that found something takes one back, so at least two of three have to.
    private static let pointsForNothing = 2
    /// After so many points it rests.
    private static let tooMuchNothing = 8
    /// How long it rests then, in nanoseconds: four looks in this time are one hundredth of a processor.
    private static let rest: UInt64 = 24_000_000
    /// The same for absences: one of two hundred looks may meet one.
    ///
    /// A thread that is not asleep is not preferred when something happens. It waits until the others have had their turn, and
    /// that is what the slowest hundredth is made of.
    private static let pointsForAbsence = 200
    private static let tooMuchAbsence = 800
    /// How long it rests then: at first, and at most when it is as bad each time.
    ///
    /// Beside bulk each attempt delays some answers; with 160 ms between two that is less than one in a hundred. After longer
    /// rests a lone ping, which something disturbs now and then, was half as fast again.
    private static let absentRests: ClosedRange<UInt64> = 10_000_000...160_000_000
    /// After so many successes in a row, which take half a second or so, the others are gone.
    ///
    /// Beside bulk a twentieth of a second without an absence says nothing: threads move between processors.
    private static let quietStreak = 8192

    private var restsUntil: UInt64 = 0
    private var nothing = 0
    private var absence = 0
    private var streak = 0
    private var absentRest = absentRests.lowerBound

    /// Whether to look now.
    func isWorthwhile(at now: UInt64) -> Bool { now >= restsUntil }

    /// A turn that began at `now` has moved so many bytes.
    mutating func turnMoved(_ bytes: Int, at now: UInt64) {
        if bytes > Self.mostBytes { restsUntil = max(restsUntil, now + Self.bulkRest) }
    }

    /// Learns from what came of it.
    mutating func ended(_ outcome: Outcome, at now: UInt64) {
        switch outcome {
        case .found:
            nothing = max(0, nothing - 1)
            absence = max(0, absence - 1)
            streak += 1
            if streak == Self.quietStreak { absentRest = Self.absentRests.lowerBound }
        case .nothing:
            nothing += Self.pointsForNothing
            if nothing >= Self.tooMuchNothing { rest(for: Self.rest, from: now) }
        case .crowded(let time):
            streak = 0
            absence += time > Self.longAbsence ? Self.tooMuchAbsence : Self.pointsForAbsence
            guard absence >= Self.tooMuchAbsence else { return }
            rest(for: absentRest, from: now)
            absentRest = min(2 * absentRest, Self.absentRests.upperBound)
        }
    }

    private mutating func rest(for time: UInt64, from now: UInt64) {
        nothing = 0
        absence = 0
        restsUntil = now + time
    }
}
