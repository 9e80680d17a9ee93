import CLinux
import Glibc
import Synchronization

/// Wakes a loop from any thread.
///
/// An eventfd of our own and not libuv's: there, a loop that wakes on the processor of who is waking it spins until that
/// one has gone on, which was a seventh of the processor time of a question and its answer.
package final class LoopWaker: Sendable {
    fileprivate let descriptor: Int32
    /// Whether the loop has been woken and has not begun to look yet.
    private let isPending = Atomic<Bool>(false)

    init() throws(SystemFailure) {
        descriptor = sly_eventfd()
        guard descriptor >= 0 else { throw SystemFailure("eventfd", code: -descriptor) }
    }

    // Whoever can wake the loop holds this, so that nobody writes to a number that has become another descriptor's.
    deinit {
        close(descriptor)
    }

    /// Wakes the loop; many calls before it wakes are one.
    package func wake() {
        guard !isPending.exchange(true, ordering: .sequentiallyConsistent) else { return }
        var one: UInt64 = 1
        _ = write(descriptor, &one, MemoryLayout<UInt64>.size)
    }

    /// The loop is awake: who wakes it from now on wakes it again.
    fileprivate func wasHeard() {
        isPending.store(false, ordering: .sequentiallyConsistent)
    }
}

/// A loop's end of its waker.
final class WakeSource: PollSource {
    private let waker: LoopWaker
    private let woken: () -> Void

    init(_ waker: LoopWaker, _ woken: @escaping () -> Void) {
        self.waker = waker
        self.woken = woken
        super.init(waker.descriptor)
    }

    override func ready(_ events: PollEvents) {
        // The number in it is never read: registered edge-triggered, each write is told once.
        waker.wasHeard()
        woken()
    }
}
