import CLibuv

/// libuv's loop as a guest of ours: it watches signals and looks up names.
///
/// To the host it is one descriptor that becomes readable when libuv has something to do, and a flag for what it has to do
/// without anything having happened. Confined to its loop's thread.
final class LibuvLoop: PollSource {
    /// For the calls that start something; ``ask()`` has to follow them.
    let uv: UnsafeMutablePointer<uv_loop_t>
    /// Whether libuv wants a turn before the host waits.
    private(set) var isAsked = false
    /// Never called.
    ///
    /// A loop without an active handle does not look at its descriptors, and what its pool's threads say last
    /// can come when their requests are done: the descriptor would stay readable, and the host would never rest.
    private let anchor: UnsafeMutablePointer<uv_async_t>

    init() throws(SystemFailure) {
        uv = .allocate(capacity: 1)
        anchor = .allocate(capacity: 1)
        var code = uv_loop_init(uv)
        if code == 0 {
            code = uv_async_init(uv, anchor, nil)
            if code != 0 { uv_loop_close(uv) }
        }
        guard code == 0 else {
            uv.deallocate()
            anchor.deallocate()
            throw SystemFailure("uv_loop_init", code: -code)
        }
        super.init(uv_backend_fd(uv))
        // The first turn registers the anchor.
        isAsked = true
    }

    deinit {
        uv_close(anchor.asHandle, nil)
        // What was closed is freed only after its callback has run.
        while uv_run(uv, UV_RUN_DEFAULT) != 0 {}
        uv_loop_close(uv)
        uv.deallocate()
        anchor.deallocate()
    }

    /// Something was started or closed: libuv registers it, or finishes it, in a turn of its own.
    func ask() {
        isAsked = true
    }

    /// Gives libuv its turn if it was asked for.
    func attendIfAsked() {
        if isAsked { attend() }
    }

    override func ready(_ events: PollEvents) {
        attend()
    }

    private func attend() {
        uv_run(uv, UV_RUN_NOWAIT)
        // What its callbacks started or closed.
        isAsked = uv_backend_timeout(uv) == 0
    }
}

extension UnsafeMutablePointer {
    /// The handle as libuv's base type: every handle begins with its fields.
    var asHandle: UnsafeMutablePointer<uv_handle_t> {
        UnsafeMutableRawPointer(self).assumingMemoryBound(to: uv_handle_t.self)
    }
}
