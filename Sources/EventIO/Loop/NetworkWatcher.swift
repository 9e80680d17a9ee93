import Basics
import Platform
import SystemPackage

/// Reports that network interfaces, addresses or routes of the machine have changed, but not which.
///
/// Changes come in groups, so the watcher waits a moment before it reports them. Where the kernel sends no notifications, as in
/// some containers, it never reports. Confined to its loop's thread.
package final class NetworkWatcher: PollSource {
    private let loop: EventLoop
    private var timer: LoopTimer?
    private var toldAt = Instant.start

    /// The time to wait for further changes before a report.
    ///
    /// Larger: streams wait although the network is back. Smaller: every step of one change is reported.
    private static let groupTime = Duration.milliseconds(100)
    /// The minimum time between two reports.
    ///
    /// Each report makes the owner check every link. Larger: a cable that is plugged in again is noticed late. Smaller: a machine
    /// on which containers start and stop stays busy.
    private static let minInterval = Duration.seconds(1)

    /// Starts watching, and calls `changed` on the loop's thread for each report.
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
        // The content of the messages does not matter: the owner checks its links itself. Lost messages (ENOBUFS) also mean a
        // change.
        withUnsafeTemporaryAllocation(byteCount: 8192, alignment: 8) { buffer in
            while recv(descriptor, buffer.baseAddress, buffer.count, 0) > 0 || errno == ENOBUFS {}
        }
        guard timer?.isScheduled == false else { return }
        let earliest = toldAt == .start ? .start : toldAt.advanced(by: Self.minInterval)
        timer?.schedule(at: max(loop.now.advanced(by: Self.groupTime), earliest))
    }
}
