import Basics
import CLibuv
import Platform

/// All sockets of a loop, each watched by a `uv_poll_t`.
///
/// libuv is level-triggered: it reports a state again in every turn. Our sockets need each change reported once. So libuv does
/// not watch for events that a source already knows (``PollSource/known``). Before the loop waits, and only then,
/// ``settle(isWaiting:at:)`` makes libuv watch for the events that each source does not know.
///
/// A change costs three system calls, because `uv_poll_start` always removes the descriptor before it adds it again. Therefore
/// the poller updates only changed sources, and stops watching for an event only before a wait.
///
/// The poller keeps handles by descriptor number and reuses them: a new handle would cost three more system calls, and freeing
/// one takes another turn.
final class SocketPoller {
    private let libuv: LibuvLoop
    /// Handles that no source uses, indexed by the number of the descriptor that they watched.
    private var kept: [UnsafeMutablePointer<uv_poll_t>?] = []
    /// Sources for which libuv may have to watch other events than before.
    private var changed: [PollSource] = []
    private var settling: [PollSource] = []
    /// Sources that know all their events and are not yet watched for failures.
    private var unwatched: [Unmanaged<PollSource>] = []
    /// The time to watch ``unwatched`` sources for failures or to retry refused watches; nil if there are none.
    private(set) var sweepsAt: Instant?
    /// The number of times the system refused to keep watching a source.
    private(set) var refusals = 0

    /// The time for which a source that knows all its events stays unwatched.
    ///
    /// libuv reports failures only while it watches for some event, and a watch for failures alone costs three system calls.
    /// Larger: a stream that waits for credit learns later that its socket was reset. Smaller: streams that end normally pay
    /// for the watch, although most of them close sooner.
    private static let unwatchedTime = TimeSpan.milliseconds(200)
    /// The pause before the next attempt after the system refused a watch.
    ///
    /// Larger: streams continue later than they could. Smaller: a shortage costs more processor time.
    private static let retryTime = TimeSpan.milliseconds(100)

    init(_ libuv: LibuvLoop) {
        self.libuv = libuv
    }

    /// Registers a source: the poller reports its events until it is removed.
    ///
    /// - Throws: the system error: out of watches or memory, or a descriptor that cannot be watched.
    func add(_ source: PollSource, _ interest: PollEvents) throws(SystemFailure) {
        let handle = try takeHandle(source.descriptor)
        handle.pointee.data = Unmanaged.passUnretained(source).toOpaque()
        source.handle = handle
        source.interest = interest
        source.hasFailed = false
        source.asked = []
        let code = watch(source, handle, source.unknown)
        guard code == 0 else {
            release(source, handle)
            throw SystemFailure("watch", code: code)
        }
        if source.asked.isEmpty { noteChange(of: source) }
    }

    /// Changes the events that a source can handle.
    func change(_ source: PollSource, _ interest: PollEvents) {
        source.interest = interest
        noteChange(of: source)
    }

    /// Notes that the source has used up `events`: the poller must report them again.
    @inline(__always)
    func used(_ events: PollEvents, of source: PollSource) {
        if source.asked.isDisjoint(with: events) { noteChange(of: source) }
    }

    /// Removes a source; the caller may close its descriptor afterwards.
    func remove(_ source: PollSource) {
        guard let handle = source.handle else { return }
        if source.unwatchedPlace >= 0 { takeFromUnwatched(source) }
        release(source, handle)
    }

    private func release(_ source: PollSource, _ handle: UnsafeMutablePointer<uv_poll_t>) {
        // Stopping is a system call even if the handle has already stopped.
        if !source.asked.isEmpty { uv_poll_stop(handle) }
        source.asked = []
        source.handle = nil
        handle.pointee.data = nil
        keep(handle, for: Int(source.descriptor))
    }

    private func noteChange(of source: PollSource) {
        guard !source.isChanged, source.handle != nil else { return }
        source.isChanged = true
        changed.append(source)
    }
}

// MARK: - Asking libuv

extension SocketPoller {
    /// Makes libuv watch for the events that the sources do not know.
    ///
    /// - Parameters:
    ///   - isWaiting: whether the loop is about to wait. If not, watches that are no longer needed do no harm and stay.
    ///   - now: the loop's clock.
    func settle(isWaiting: Bool, at now: Instant) {
        if let sweepsAt, sweepsAt <= now { watchUnwatched(at: now) }
        guard !changed.isEmpty else { return }
        swap(&changed, &settling)
        for source in settling {
            source.isChanged = false
            settle(source, isWaiting: isWaiting, at: now)
        }
        settling.removeAll(keepingCapacity: true)
    }

    private func settle(_ source: PollSource, isWaiting: Bool, at now: Instant) {
        guard let handle = source.handle else { return }
        let wanted = source.unknown
        let isUpToDate =
            if wanted.isEmpty, !source.hasFailed {
                source.asked == .urgent || source.unwatchedPlace >= 0
            } else {
                wanted == source.asked
            }
        guard !isUpToDate else { return }
        if !isWaiting, wanted.isSubset(of: source.asked) {
            noteChange(of: source)
            return
        }
        if source.unwatchedPlace >= 0 { takeFromUnwatched(source) }
        if wanted.isEmpty {
            if !source.asked.isEmpty { uv_poll_stop(handle) }
            source.asked = []
            if source.needsFailures, !source.hasFailed { putIntoUnwatched(source, at: now) }
            return
        }
        let code = watch(source, handle, wanted)
        if code != 0 { refused(source, code, at: now) }
    }

    /// Handles the system's refusal to keep watching a source.
    private func refused(_ source: PollSource, _ code: Int32, at now: Instant) {
        refusals += 1
        guard code == ENOSPC || code == ENOMEM else {
            source.watchingFailed(code)
            return
        }
        // Other descriptors of the user use up all watches or memory. Until some of it is free, the source gets no events.
        noteChange(of: source)
        let retry = now.advanced(by: Self.retryTime)
        sweepsAt = sweepsAt.map { min($0, retry) } ?? retry
    }

    /// Makes libuv watch the descriptor for `events`.
    ///
    /// - Returns: 0, or the system's error number; then the descriptor is not watched.
    private func watch(
        _ source: PollSource,
        _ handle: UnsafeMutablePointer<uv_poll_t>,
        _ events: PollEvents
    ) -> Int32 {
        guard !events.isEmpty else { return 0 }
        var code = -uv_poll_start(handle, events.rawValue, Self.happened)
        // libuv adds the watch later, before it waits, and aborts the process if it cannot. Reserving it now finds that out.
        if code == 0 { code = WatchReservation.reserve(source.descriptor, poller: uv_backend_fd(libuv.uv)) }
        if code == 0 {
            source.asked = events
        } else {
            uv_poll_stop(handle)
            source.asked = []
        }
        return code
    }

    private static let happened: uv_poll_cb = { handle, status, flags in
        guard let handle, let data = handle.pointee.data else { return }
        // Retained during the call: a handler may release the source because of the event.
        let source = Unmanaged<PollSource>.fromOpaque(data).takeUnretainedValue()
        handle.pointee.loop.withOwner { loop in
            loop.somethingHappened()
            loop.sockets.tell(source, status, flags)
        }
    }

    private func tell(_ source: PollSource, _ status: Int32, _ flags: Int32) {
        var events = PollEvents(rawValue: flags)
        if status != 0 {
            // libuv has stopped the handle and does not report its other events.
            source.asked = []
            source.hasFailed = true
            events = .failed
        } else if events.contains(.urgent) {
            source.hasFailed = true
            events = .failed
        }
        source.ready(events)
        if source.asked != source.unknown { noteChange(of: source) }
    }
}

// MARK: - Sources that know all their events

extension SocketPoller {
    private func putIntoUnwatched(_ source: PollSource, at now: Instant) {
        source.unwatchedPlace = unwatched.count
        unwatched.append(.passUnretained(source))
        if sweepsAt == nil { sweepsAt = now.advanced(by: Self.unwatchedTime) }
    }

    private func takeFromUnwatched(_ source: PollSource) {
        let place = source.unwatchedPlace
        source.unwatchedPlace = -1
        let last = unwatched.removeLast()
        guard place < unwatched.count else { return }
        unwatched[place] = last
        last._withUnsafeGuaranteedRef { $0.unwatchedPlace = place }
    }

    /// Watches the unwatched sources for failures alone.
    private func watchUnwatched(at now: Instant) {
        sweepsAt = nil
        let sources = unwatched.map { $0.takeUnretainedValue() }
        unwatched = []
        for source in sources { source.unwatchedPlace = -1 }
        for source in sources {
            guard let handle = source.handle, source.asked.isEmpty, source.unknown.isEmpty else { continue }
            let code = watch(source, handle, .urgent)
            if code != 0 {
                refusals += 1
                putIntoUnwatched(source, at: now)
            }
        }
    }
}

// MARK: - Handles

extension SocketPoller {
    private func takeHandle(_ descriptor: Int32) throws(SystemFailure) -> UnsafeMutablePointer<uv_poll_t> {
        let place = Int(descriptor)
        if kept.indices.contains(place), let handle = kept[place] {
            kept[place] = nil
            return handle
        }
        let handle = UnsafeMutablePointer<uv_poll_t>.allocate(capacity: 1)
        let code = uv_poll_init(libuv.uv, handle, descriptor)
        guard code == 0 else {
            handle.deallocate()
            throw SystemFailure("watch", code: -code)
        }
        return handle
    }

    private func keep(_ handle: UnsafeMutablePointer<uv_poll_t>, for place: Int) {
        if place >= kept.count {
            kept.append(contentsOf: repeatElement(nil, count: place + 1 - kept.count))
        }
        kept[place] = handle
    }

    /// Frees the handles that no source uses.
    func trim() {
        // Closing a handle removes its descriptor number from libuv's poller. If libuv opens descriptors of its own, one of them
        // may have that number by now.
        guard !libuv.opensDescriptors else { return }
        for handle in kept {
            if let handle { uv_close(handle.asHandle) { $0?.deallocate() } }
        }
        kept = []
    }
}
