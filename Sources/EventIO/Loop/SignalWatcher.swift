import CLibuv
import Platform

/// Calls an action on its loop's thread when the process gets a signal.
package final class SignalWatcher {
    /// The signals that can be watched.
    package enum Signal: Sendable {
        case hangUp
        case interrupt
        case terminate

        var number: Int32 {
            switch self {
            case .hangUp: SIGHUP
            case .interrupt: SIGINT
            case .terminate: SIGTERM
            }
        }
    }

    private let handle: UnsafeMutablePointer<uv_signal_t>
    private let action: () -> Void
    /// Retains the loop, because the handle belongs to it.
    private let loop: EventLoop

    /// Watches for a signal until the watcher is freed.
    package init(_ signal: Signal, on loop: EventLoop, _ action: @escaping () -> Void) throws(SystemFailure) {
        self.action = action
        self.loop = loop
        handle = .allocate(capacity: 1)
        // libuv opens a pipe for the signals of a loop.
        loop.libuv.opensDescriptors = true
        let initCode = uv_signal_init(loop.libuv.uv, handle)
        guard initCode == 0 else {
            handle.deallocate()
            throw SystemFailure("signal", code: -initCode)
        }
        handle.pointee.data = Unmanaged.passUnretained(self).toOpaque()
        let code = uv_signal_start(
            handle,
            { handle, _ in
                guard let data = handle?.pointee.data else { return }
                let watcher = Unmanaged<SignalWatcher>.fromOpaque(data).takeUnretainedValue()
                watcher.loop.somethingHappened()
                watcher.action()
            },
            signal.number
        )
        guard code == 0 else { throw SystemFailure("signal", code: -code) }
    }

    deinit {
        uv_close(handle.asHandle) { $0?.deallocate() }
    }
}
