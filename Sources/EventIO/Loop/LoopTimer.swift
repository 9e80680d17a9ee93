package import Basics

/// Calls an action once, at or after a deadline, on its loop's thread.
///
/// Confined to that thread. `deinit` cancels the timer. The loop does not retain the timer, and the action should capture its
/// owner `unowned` or `weak`.
package final class LoopTimer {
    fileprivate var deadline = Instant.start
    /// The index in the heap; -1 if the timer is not scheduled.
    fileprivate var place = -1
    private let loop: EventLoop
    private let action: () -> Void

    /// Creates a timer that is not scheduled yet.
    package init(_ loop: EventLoop, _ action: @escaping () -> Void) {
        self.loop = loop
        self.action = action
    }

    deinit {
        cancel()
    }

    /// Whether the timer is going to fire.
    package var isScheduled: Bool { place >= 0 }

    /// Schedules the timer for a time of the loop's clock, and replaces an earlier schedule.
    ///
    /// If the time has passed, the timer fires as soon as possible.
    package func schedule(at deadline: Instant) {
        loop.schedule(self, at: deadline)
    }

    /// Schedules the timer for `delay` after the beginning of this turn.
    package func schedule(after delay: Duration) {
        schedule(at: loop.now.advanced(by: delay))
    }

    /// Cancels the timer: it does not fire.
    package func cancel() {
        guard place >= 0 else { return }
        loop.cancel(self)
    }

    func fire() {
        action()
    }
}

/// A binary heap of timers, ordered by deadline; each timer knows its index, so cancelling needs no search.
///
/// libuv's own timers count whole milliseconds and the heap counts nanoseconds, so a timer of libuv only ends the wait. The heap
/// does not retain timers.
struct TimerHeap {
    private var entries: [(deadline: Instant, timer: Unmanaged<LoopTimer>)] = []

    var firstDeadline: Instant? { entries.first?.deadline }

    mutating func schedule(_ timer: LoopTimer, at deadline: Instant) {
        if timer.place >= 0 {
            entries[timer.place].deadline = deadline
            timer.deadline = deadline
            siftUp(timer.place)
            siftDown(timer.place)
        } else {
            timer.deadline = deadline
            timer.place = entries.count
            entries.append((deadline, .passUnretained(timer)))
            siftUp(timer.place)
        }
    }

    mutating func cancel(_ timer: LoopTimer) {
        let place = timer.place
        timer.place = -1
        let last = entries.removeLast()
        guard place < entries.count else { return }
        put(last, at: place)
        siftUp(place)
        siftDown(last.timer._withUnsafeGuaranteedRef { $0.place })
    }

    /// Removes and returns the first timer if its deadline has passed.
    mutating func takeDue(at now: Instant) -> LoopTimer? {
        guard let first = entries.first, first.deadline <= now else { return nil }
        let timer = first.timer.takeUnretainedValue()
        cancel(timer)
        return timer
    }

    private mutating func put(_ entry: (deadline: Instant, timer: Unmanaged<LoopTimer>), at place: Int) {
        entries[place] = entry
        entry.timer._withUnsafeGuaranteedRef { $0.place = place }
    }

    private mutating func siftUp(_ start: Int) {
        var place = start
        let entry = entries[place]
        while place > 0 {
            let parent = (place - 1) / 2
            guard entry.deadline < entries[parent].deadline else { break }
            put(entries[parent], at: place)
            place = parent
        }
        put(entry, at: place)
    }

    private mutating func siftDown(_ start: Int) {
        var place = start
        let entry = entries[place]
        while true {
            var child = 2 * place + 1
            guard child < entries.count else { break }
            if child + 1 < entries.count, entries[child + 1].deadline < entries[child].deadline { child += 1 }
            guard entries[child].deadline < entry.deadline else { break }
            put(entries[child], at: place)
            place = child
        }
        put(entry, at: place)
    }
}
