import CLinux
import Glibc

/// All sockets of a loop in one epoll instance, in which the loop waits.
final class SocketPoller {
    /// Whether the last portion was full, so that more is waiting.
    private(set) var hasMore = false

    private let descriptor: Int32
    private var slots: [Slot] = []
    private var vacant: [Int] = []
    private let events: UnsafeMutablePointer<sly_event>
    /// How many of ``events`` the last waiting has filled.
    private var count = 0

    private struct Slot {
        var source: Unmanaged<PollSource>?
        /// Tells an event of the socket that is in the slot from one that was there before.
        var generation: UInt32 = 0
    }

    /// Events taken at a time.
    ///
    /// More would let timers wait; fewer would cost system calls under load.
    private static let portion: Int32 = 256

    init() throws(SystemFailure) {
        descriptor = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard descriptor >= 0 else { throw SystemFailure("epoll_create1", code: errno) }
        events = .allocate(capacity: Int(Self.portion))
    }

    deinit {
        Glibc.close(descriptor)
        events.deallocate()
    }

    /// Registers a source; its events go to ``PollSource/ready(_:)`` until it is removed.
    func add(_ source: PollSource, _ wanted: PollEvents) throws(SystemFailure) {
        let slot = vacant.popLast() ?? slots.count
        if slot == slots.count { slots.append(Slot()) }
        let token = UInt64(slots[slot].generation) << 32 | UInt64(slot)
        let code = sly_epoll_add(descriptor, source.descriptor, wanted.rawValue, token)
        guard code == 0 else {
            vacant.append(slot)
            throw SystemFailure("epoll_ctl", code: -code)
        }
        slots[slot].source = .passUnretained(source)
        source.slot = slot
    }

    /// Asks for other events of a registered source.
    func change(_ source: PollSource, _ wanted: PollEvents) {
        guard source.slot >= 0 else { return }
        let token = UInt64(slots[source.slot].generation) << 32 | UInt64(source.slot)
        _ = sly_epoll_change(descriptor, source.descriptor, wanted.rawValue, token)
    }

    /// Forgets a source.
    ///
    /// A descriptor that is about to be closed leaves the epoll instance by itself.
    func remove(_ source: PollSource, isClosing: Bool) {
        guard source.slot >= 0 else { return }
        if !isClosing { _ = sly_epoll_remove(descriptor, source.descriptor) }
        slots[source.slot].source = nil
        slots[source.slot].generation &+= 1
        vacant.append(source.slot)
        source.slot = -1
    }

    /// Waits until something happens or patience ends.
    func wait(_ patience: Patience) {
        // A signal's handler may end it early; then nothing has happened.
        count = Int(max(0, sly_epoll_wait(descriptor, events, Self.portion, patience.milliseconds)))
        hasMore = count == Self.portion
    }

    /// Whether something had happened the last time.
    var hasAny: Bool { count > 0 }

    /// Tells the sources what happened while ``wait(_:)`` waited.
    func dispatch() {
        for index in 0..<count {
            let event = events[index]
            let slot = Int(event.token & 0xFFFF_FFFF)
            guard slots[slot].generation == UInt32(event.token >> 32), let source = slots[slot].source else {
                continue
            }
            // Held while it is called: a socket may be let go of by what it tells.
            let held = source.takeUnretainedValue()
            held.ready(PollEvents(rawValue: event.events))
        }
    }
}

extension SocketPoller {
    /// How long a poller waits when nothing happens.
    enum Patience {
        case none
        case nanoseconds(UInt64)
        case endless

        /// Whether there is time to look around before it ends.
        var isLong: Bool {
            switch self {
            case .none: false
            case .nanoseconds(let time): time > BusyPoll.limit
            case .endless: true
            }
        }

        /// In whole milliseconds, as epoll counts; rounded up, since a deadline that has not come yet would be waited for
        /// again.
        fileprivate var milliseconds: Int32 {
            switch self {
            case .none: 0
            case .nanoseconds(let time): Int32(clamping: time / 1_000_000 + (time % 1_000_000 == 0 ? 0 : 1))
            case .endless: -1
            }
        }
    }
}

/// What a descriptor can be ready for.
struct PollEvents: OptionSet {
    let rawValue: UInt32

    static let readable = PollEvents(rawValue: EPOLLIN.rawValue)
    static let writable = PollEvents(rawValue: EPOLLOUT.rawValue)
    /// The other side will send nothing more.
    static let ended = PollEvents(rawValue: EPOLLRDHUP.rawValue)
    /// Both directions are over.
    static let hungUp = PollEvents(rawValue: EPOLLHUP.rawValue)
    static let failed = PollEvents(rawValue: EPOLLERR.rawValue)
    /// Told once when it becomes so, not for as long as it is so.
    static let edge = PollEvents(rawValue: EPOLLET.rawValue)
}

/// A descriptor that a poller watches: a base class, because a call through it costs next to nothing.
package class PollSource {
    /// The descriptor; -1 after it was closed.
    package fileprivate(set) final var descriptor: Int32
    fileprivate(set) final var slot = -1

    init(_ descriptor: Int32) {
        self.descriptor = descriptor
    }

    /// Something happened.
    func ready(_ events: PollEvents) {}

    /// Forgets the descriptor without closing it.
    final func giveAwayDescriptor() -> Int32 {
        defer { descriptor = -1 }
        return descriptor
    }

    /// Closes the descriptor; the source must have been removed from its poller.
    final func closeDescriptor() {
        guard descriptor >= 0 else { return }
        Glibc.close(descriptor)
        descriptor = -1
    }
}
