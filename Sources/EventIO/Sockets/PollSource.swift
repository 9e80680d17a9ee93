import CLibuv
import Platform

/// The events of a descriptor.
struct PollEvents: OptionSet {
    let rawValue: Int32

    static let readable = PollEvents(rawValue: Int32(UV_READABLE.rawValue))
    static let writable = PollEvents(rawValue: Int32(UV_WRITABLE.rawValue))
    /// The other end has ended its direction and will send nothing more.
    static let ended = PollEvents(rawValue: Int32(UV_DISCONNECT.rawValue))
    /// Urgent data, which is not expected here: a source that watches for nothing else gets only failures.
    static let urgent = PollEvents(rawValue: Int32(UV_PRIORITIZED.rawValue))
    /// The connection is broken, or both directions have ended; reported while the source watches for any event.
    static let failed = PollEvents(rawValue: 1 << 16)
}

/// A descriptor that a loop watches.
///
/// A base class, because a call through it costs almost nothing. Confined to its loop's thread.
package class PollSource {
    private final var openDescriptor: Int32
    /// The handle that watches the descriptor; nil while the source is not registered.
    final var handle: UnsafeMutablePointer<uv_poll_t>?
    /// All events that the source can handle.
    final var interest: PollEvents = []
    /// The events that libuv watches for now.
    final var asked: PollEvents = []
    /// Whether the source is in the poller's list of changed sources.
    final var isChanged = false
    /// The index in the poller's list of unwatched sources; -1 if the source is not in the list.
    final var unwatchedPlace = -1
    /// Whether the poller has reported a failure: no more events follow.
    final var hasFailed = false

    init(_ descriptor: Int32) {
        openDescriptor = descriptor
    }

    /// The descriptor; -1 after it was closed or given away.
    package final var descriptor: Int32 { openDescriptor }

    /// The descriptor is ready for `events`.
    func ready(_ events: PollEvents) {}

    /// The system refused to watch the descriptor any longer, with this error number.
    func watchingFailed(_ code: Int32) {}

    /// The events that were reported and that the source has not used up: they need no new report.
    var known: PollEvents { [] }

    /// Whether the source needs reports of failures even while it needs no other event.
    var needsFailures: Bool { false }

    /// The events that libuv should watch for: those that the source can handle and does not know already.
    final var unknown: PollEvents { hasFailed ? [] : interest.subtracting(known) }

    /// Gives the descriptor away without closing it.
    final func giveAwayDescriptor() -> Int32 {
        defer { openDescriptor = -1 }
        return openDescriptor
    }

    /// Closes the descriptor; the caller must first remove the source from its poller.
    final func closeDescriptor() {
        guard openDescriptor >= 0 else { return }
        close(openDescriptor)
        openDescriptor = -1
    }
}
