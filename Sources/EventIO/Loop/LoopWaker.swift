import Platform
import Synchronization
import SystemPackage

/// Wakes a loop from any thread.
///
/// It uses a descriptor that a `uv_poll_t` watches, not a `uv_async_t`. In libuv 1.44, a loop that wakes on the processor of the
/// thread that wakes it spins until that thread continues. That took a seventh of the processor time of a request and its answer
/// (docs/decisions/0014-an-eventfd-wakes-loops.md).
package final class LoopWaker: Sendable {
    fileprivate let wakeDescriptor: WakeDescriptor
    /// Whether the loop was woken and has not handled that yet.
    private let isPending = Atomic<Bool>(false)

    init() throws(SystemFailure) {
        wakeDescriptor = try SystemFailure.catching("eventfd") { () throws(Errno) in try WakeDescriptor() }
    }

    /// Wakes the loop; further calls before it wakes have no effect.
    package func wake() {
        guard !isPending.exchange(true, ordering: .sequentiallyConsistent) else { return }
        wakeDescriptor.wake()
    }

    /// Notes that the loop is awake: the next ``wake()`` takes effect again.
    fileprivate func loopIsAwake() {
        wakeDescriptor.drain()
        isPending.store(false, ordering: .sequentiallyConsistent)
    }
}

/// The loop's side of its waker.
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
