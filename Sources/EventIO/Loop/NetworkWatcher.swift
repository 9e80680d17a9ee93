import Basics
import Platform
import SystemPackage

/// Tells that links, addresses or routes of the machine have changed; not which.
///
/// Changes come in groups, so it waits a moment before it tells. Where the kernel does not tell, as in some containers, it is
/// silent. Confined to its loop's thread.
package final class NetworkWatcher: PollSource {
    private let loop: EventLoop
    private var timer: LoopTimer?
    private var toldAt = Instant.start

    /// How long it waits for further changes.
    ///
    /// Longer: streams wait for a network that is back. Shorter: every step of one change is reported.
    private static let groupTime = Duration.milliseconds(100)
    /// How long after a report the next one follows, at the earliest.
    ///
    /// Every link is checked at each report. Longer: a cable that is plugged in again is noticed late. Shorter: a machine on
    /// which containers come and go stays busy.
    private static let minInterval = Duration.seconds(1)

    /// Begins to watch; `changed` is called on the loop's thread.
    package init(_ loop: EventLoop, _ changed: @escaping () -> Void) {
        self.loop = loop
        super.init((try? SystemSocket.networkChanges()) ?? -1)
        timer = LoopTimer(loop) { [unowned self] in
            toldAt = self.loop.now
            changed()
        }
        guard descriptor >= 0 else { return }
        do throws(SystemFailure) { try loop.sockets.add(self, .readable) } catch { closeDescriptor() }
    }

    deinit {
        guard descriptor >= 0 else { return }
        loop.sockets.remove(self)
        closeDescriptor()
    }

    override func ready(_ events: PollEvents) {
        // What the messages say does not matter: whoever is told looks for itself. Lost messages (ENOBUFS) are news, too.
        withUnsafeTemporaryAllocation(byteCount: 8192, alignment: 8) { buffer in
            while recv(descriptor, buffer.baseAddress, buffer.count, 0) > 0 || errno == ENOBUFS {}
        }
        guard timer?.isScheduled == false else { return }
        let earliest = toldAt == .start ? .start : toldAt.advanced(by: Self.minInterval)
        timer?.schedule(at: max(loop.now.advanced(by: Self.groupTime), earliest))
    }
}
