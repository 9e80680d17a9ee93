import CLibuv
import Glibc

/// Tells when the process gets a signal, on its loop's thread.
package final class SignalWatcher {
    /// The signals that are watched.
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
    private let loop: EventLoop

    /// Watches for a signal from now on until it is freed.
    package init(_ signal: Signal, on loop: EventLoop, _ action: @escaping () -> Void) throws(SystemFailure) {
        self.action = action
        self.loop = loop
        handle = .allocate(capacity: 1)
        uv_signal_init(loop.libuv.uv, handle)
        handle.pointee.data = Unmanaged.passUnretained(self).toOpaque()
        let code = uv_signal_start(
            handle,
            { handle, _ in
                guard let data = handle?.pointee.data else { return }
                let watcher = Unmanaged<SignalWatcher>.fromOpaque(data).takeUnretainedValue()
                watcher.loop.refreshTime()
                watcher.action()
            },
            signal.number
        )
        loop.libuv.ask()
        guard code == 0 else { throw SystemFailure("signal", code: -code) }
    }

    deinit {
        uv_close(handle.asHandle) { $0?.deallocate() }
        loop.libuv.ask()
    }
}

extension EventLoop {
    /// A write to a connection that is gone is reported where it happens; the signal for it would end the process.
    package static func ignoreBrokenPipes() {
        signal(SIGPIPE, SIG_IGN)
    }
}
