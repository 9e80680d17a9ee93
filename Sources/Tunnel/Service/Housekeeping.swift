import EventIO
import Platform
import SecureLink

/// Looks after one worker a few times a second: time limits, memory, sessions, and a machine that has slept.
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

    /// Larger: time limits of streams are felt to be late.
    ///
    /// Smaller: a worker with many streams spends time on looking.
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
        // A session that waits for a client, which may never come back, makes room for those that are in use.
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

    /// Counts what outbound logs hold.
    ///
    /// It is added up here, because blocks come and go with every turn.
    private func countLogs() {
        let lent = environment.lentBytes
        admission.budget.take(lent - countedBytes)
        countedBytes = lent
    }
}
