import EventIO
import Platform
import SecureLink

/// Checks one worker a few times a second: its time limits, memory and sessions, and whether the machine has slept.
///
/// Confined to its loop's thread.
final class Housekeeping {
    private let environment: LinkEnvironment
    private let relays: RelaySet
    private let pool: SessionPool
    private let dialSides: [DialSide]
    private let admission: Admission
    private let registry: SessionRegistry
    private let refusals: RefusalLog
    private let networkChanged: () -> Void
    private var timer: LoopTimer?
    private var sleep = SleepWatch()
    private var peak = StreamCountPeak()
    private var countedBytes = 0
    private var refusedWatches = 0

    /// Larger: the time limits of streams take effect noticeably late.
    ///
    /// Smaller: a worker with many streams spends more time on these checks.
    private static let interval = Duration.milliseconds(250)

    init(
        _ environment: LinkEnvironment,
        relays: RelaySet,
        pool: SessionPool,
        dialSides: [DialSide],
        admission: Admission,
        registry: SessionRegistry,
        networkChanged: @escaping () -> Void
    ) {
        self.environment = environment
        self.relays = relays
        self.pool = pool
        self.dialSides = dialSides
        self.admission = admission
        self.registry = registry
        self.networkChanged = networkChanged
        refusals = relays.context.refusals
        timer = LoopTimer(environment.loop) { [unowned self] in look() }
        timer?.schedule(after: Self.interval)
    }

    private func look() {
        let loop = environment.loop
        loop.refreshTime()
        relays.look(at: loop.now)
        countLogs()
        if loop.refusedWatches > refusedWatches {
            refusedWatches = loop.refusedWatches
            refusals.limitReached("watches")
        }
        if sleep.hasSlept() { networkChanged() }
        // Ends a session without a link to make room for those in use: its client may never come back.
        if admission.budget.isExhausted { registry.expireOldest() }
        pool.look(mayGrow: admission.budget.allowsGrowth)
        for side in dialSides { side.look() }
        environment.trim()
        if peak.hasLeft(now: relays.count) {
            loop.trim()
            ProcessControl.trimHeap()
        }
        timer?.schedule(after: Self.interval)
    }

    /// Counts the memory of the outbound logs.
    ///
    /// It is counted here and not on every change, because blocks come and go with every turn.
    private func countLogs() {
        let lent = environment.lentBytes
        admission.budget.take(lent - countedBytes)
        countedBytes = lent
    }
}
