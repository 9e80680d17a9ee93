package import Basics

/// Calls back once at or after a moment, on its loop's thread.
///
/// Confined to that thread. It is cancelled when it is freed. It keeps nothing alive, and its action should capture its owner
/// `unowned` or `weak`.
package final class LoopTimer {
    fileprivate var deadline = Instant.start
    /// Its place in the heap; -1 when it is not scheduled.
    fileprivate var place = -1
    private let loop: EventLoop
    private let action: () -> Void

    /// A timer that is not scheduled yet.
    package init(_ loop: EventLoop, _ action: @escaping () -> Void) {
        self.loop = loop
        self.action = action
    }

    deinit {
        cancel()
    }

    /// Whether it is going to fire.
    package var isScheduled: Bool { place >= 0 }

    /// Fires at that moment of the loop's clock, or as soon as possible if it has passed; a moment set before is forgotten.
    package func schedule(at deadline: Instant) {
        loop.schedule(self, at: deadline)
    }

    /// Fires so long after the beginning of this turn.
    package func schedule(after delay: Duration) {
        schedule(at: loop.now.advanced(by: delay))
    }

    /// Does not fire.
    package func cancel() {
        guard place >= 0 else { return }
        loop.cancel(self)
    }

    func fire() {
        action()
    }
}

/// Timers by their deadlines: a binary heap in which each timer knows its place, so cancelling needs no search.
///
/// libuv's own timers count whole milliseconds; the heap counts nanoseconds, and libuv's only end the wait. It does not keep
/// timers alive.
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

    /// Takes out the first timer if its moment has come.
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
