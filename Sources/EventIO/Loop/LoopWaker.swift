import Platform
import Synchronization
import SystemPackage

/// Wakes a loop from any thread.
///
/// A descriptor watched by a `uv_poll_t`, not a `uv_async_t`: in libuv 1.44, a loop that wakes on the processor of the thread
/// that is waking it spins until that thread has gone on, which was a seventh of the processor time of a request and its answer
/// (docs/decisions/0014-an-eventfd-wakes-loops.md).
package final class LoopWaker: Sendable {
    fileprivate let wakeDescriptor: WakeDescriptor
    /// Whether the loop has been woken and has not looked yet.
    private let isPending = Atomic<Bool>(false)

    init() throws(SystemFailure) {
        wakeDescriptor = try SystemFailure.catching("eventfd") { () throws(Errno) in try WakeDescriptor() }
    }

    /// Wakes the loop; many calls before it wakes are one.
    package func wake() {
        guard !isPending.exchange(true, ordering: .sequentiallyConsistent) else { return }
        wakeDescriptor.wake()
    }

    /// The loop is awake: from now on, waking it wakes it again.
    fileprivate func loopIsAwake() {
        wakeDescriptor.drain()
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
        super.init(waker.wakeDescriptor.descriptor)
    }

    override func ready(_ events: PollEvents) {
        waker.loopIsAwake()
        woken()
    }
}
