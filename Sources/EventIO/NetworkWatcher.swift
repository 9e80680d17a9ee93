import CLinux
import Glibc

/// Tells that links, addresses or routes of the machine have changed; not which.
///
/// Changes come in flocks, so it waits a moment before it tells. Where the kernel does not tell (in some containers), it is
/// silent. Confined to its loop's thread.
package final class NetworkWatcher: PollSource {
    private let loop: EventLoop
    private var timer: LoopTimer?
    private var toldAt: UInt64 = 0

    /// How long it waits for further changes.
    ///
    /// Longer would let streams wait for a network that is back; shorter would look at every step of one change.
    private static let flock = Duration.milliseconds(100)
    /// How long after it has told it tells again, at the earliest.
    ///
    /// Each time, the way of every link is looked at. Longer would be noticed by who has plugged in a cable again; shorter
    /// would keep a machine busy on which containers come and go all the time.
    private static let pause: UInt64 = 1_000_000_000

    /// Begins to watch; `changed` is called on the loop's thread.
    package init(_ loop: EventLoop, _ changed: @escaping () -> Void) {
        self.loop = loop
        super.init(max(-1, sly_network_changes()))
        timer = LoopTimer(loop) { [unowned self] in
            toldAt = self.loop.now
            changed()
        }
        guard descriptor >= 0 else { return }
        do throws(SystemFailure) { try loop.sockets.add(self, .readable) } catch { closeDescriptor() }
    }

    deinit {
        guard descriptor >= 0 else { return }
        loop.sockets.remove(self, isClosing: true)
        closeDescriptor()
    }

    override func ready(_ events: PollEvents) {
        // What is in the messages does not matter: whoever is told looks for itself. Messages that got lost are news, too.
        withUnsafeTemporaryAllocation(byteCount: 8192, alignment: 8) { buffer in
            while recv(descriptor, buffer.baseAddress, buffer.count, 0) > 0 || errno == ENOBUFS {}
        }
        guard timer?.isScheduled == false else { return }
        let earliest = toldAt == 0 ? 0 : toldAt + Self.pause
        timer?.schedule(at: max(loop.now.addingClamped(Self.flock), earliest))
    }
}
