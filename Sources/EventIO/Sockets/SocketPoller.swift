import Basics
import CLibuv
import Platform

/// All sockets of a loop, each watched by a `uv_poll_t`.
///
/// libuv reports what is the case, again and again; our sockets want to be told what has changed, once. So libuv is not asked
/// for what a source knows already (``PollSource/known``). Before the loop waits, and only then, ``settle(isWaiting:at:)``
/// brings what libuv was asked for in line with what each source does not know. A change costs three system calls, because
/// `uv_poll_start` always removes the descriptor before it adds it again; sources without a change are not in the list, and
/// nothing is taken back between two turns without a wait.
///
/// Handles are kept by descriptor number and used again: a new one would cost three system calls more, and freeing one takes
/// another turn.
final class SocketPoller {
    private let libuv: LibuvLoop
    /// Handles that no source uses, by the number of the descriptor that they watched.
    private var kept: [UnsafeMutablePointer<uv_poll_t>?] = []
    /// Sources for which something else may have to be asked.
    private var changed: [PollSource] = []
    private var settling: [PollSource] = []
    /// Sources that know everything, and are not watched for failures yet.
    private var unwatched: [Unmanaged<PollSource>] = []
    /// When ``unwatched`` sources are watched for failures, or refused watches are tried again; nil while there are none.
    private(set) var sweepsAt: Instant?
    /// How often the system has refused to watch a source on.
    private(set) var refusals = 0

    /// How long a source that knows everything is not watched.
    ///
    /// libuv reports failures only while something is asked for, and asking for nothing else costs three system calls.
    /// Shorter: streams that end in the usual way, most of which are closed sooner, pay for it. Longer: a stream that waits for
    /// credit learns later that its socket was reset.
    private static let unwatchedTime = TimeSpan.milliseconds(200)
    /// How long a refused watch waits for the next try.
    ///
    /// Shorter: a shortage costs processor time. Longer: streams go on later than they could.
    private static let retryTime = TimeSpan.milliseconds(100)

    init(_ libuv: LibuvLoop) {
        self.libuv = libuv
    }

    /// Registers a source: from now on it is told what happens, until it is removed.
    ///
    /// - Throws: the system's refusal: out of watches or of memory, or a descriptor that cannot be watched.
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

    /// Registers other interests of a source.
    func change(_ source: PollSource, _ interest: PollEvents) {
        source.interest = interest
        noteChange(of: source)
    }

    /// The source has used up what it knew of `events`: it has to be told again.
    @inline(__always)
    func used(_ events: PollEvents, of source: PollSource) {
        if source.asked.isDisjoint(with: events) { noteChange(of: source) }
    }

    /// Forgets a source; its descriptor may be closed then.
    func remove(_ source: PollSource) {
        guard let handle = source.handle else { return }
        if source.unwatchedPlace >= 0 { takeFromUnwatched(source) }
        release(source, handle)
    }

    private func release(_ source: PollSource, _ handle: UnsafeMutablePointer<uv_poll_t>) {
        // Stopping is a system call, also for a handle that is stopped already.
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
    /// Asks libuv for what the sources do not know.
    ///
    /// - Parameters:
    ///   - isWaiting: whether the loop is going to wait. Otherwise superfluous interests do no harm and stay.
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
        let isFullyAcknowledged =
            if wanted.isEmpty, !source.hasFailed {
                source.asked == .urgent || source.unwatchedPlace >= 0
            } else {
                wanted == source.asked
            }
        guard !isFullyAcknowledged else { return }
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

    /// The system has refused to watch a source on.
    private func refused(_ source: PollSource, _ code: Int32, at now: Instant) {
        refusals += 1
        guard code == ENOSPC || code == ENOMEM else {
            source.watchingFailed(code)
            return
        }
        // Other descriptors of the user take what there is, and may return it. Until then the source is as if nothing happened.
        noteChange(of: source)
        let retry = now.advanced(by: Self.retryTime)
        sweepsAt = sweepsAt.map { min($0, retry) } ?? retry
    }

    /// Asks libuv to watch the descriptor for `events`.
    ///
    /// - Returns: 0, or the error number of the system's refusal; then the descriptor is not watched.
    private func watch(
        _ source: PollSource,
        _ handle: UnsafeMutablePointer<uv_poll_t>,
        _ events: PollEvents
    ) -> Int32 {
        guard !events.isEmpty else { return 0 }
        var code = -uv_poll_start(handle, events.rawValue, Self.happened)
        // libuv adds the watch later, before it waits, and ends the process if it cannot.
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
        // Retained while it is called: what it tells may be the reason to free it.
        let source = Unmanaged<PollSource>.fromOpaque(data).takeUnretainedValue()
        handle.pointee.loop.withOwner { loop in
            loop.somethingHappened()
            loop.sockets.tell(source, status, flags)
        }
    }

    private func tell(_ source: PollSource, _ status: Int32, _ flags: Int32) {
        var events = PollEvents(rawValue: flags)
        if status != 0 {
            // libuv has stopped the handle, and forgets what else was the case.
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

// MARK: - Sources that know everything

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

    /// Watches for failures alone.
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
        // Closing a handle removes its descriptor's number from the poller. Where libuv opens descriptors of its own, one of
        // them may have that number by now.
        guard !libuv.opensDescriptors else { return }
        for handle in kept {
            if let handle { uv_close(handle.asHandle) { $0?.deallocate() } }
        }
        kept = []
    }
}
