import CLibuv
import Platform

/// What a descriptor can be ready for.
struct PollEvents: OptionSet {
    let rawValue: Int32

    static let readable = PollEvents(rawValue: Int32(UV_READABLE.rawValue))
    static let writable = PollEvents(rawValue: Int32(UV_WRITABLE.rawValue))
    /// The other side will send nothing more.
    static let ended = PollEvents(rawValue: Int32(UV_DISCONNECT.rawValue))
    /// Urgent data, which nobody sends here: a source that asks for it alone is told of failures alone.
    static let urgent = PollEvents(rawValue: Int32(UV_PRIORITIZED.rawValue))
    /// The connection is broken, or both directions are over; told whatever was asked for.
    static let failed = PollEvents(rawValue: 1 << 16)
}

/// A descriptor that a loop watches: a base class, because a call through it costs next to nothing.
///
/// Confined to its loop's thread.
package class PollSource {
    private final var openDescriptor: Int32
    /// The handle that watches the descriptor, while the source is registered.
    final var handle: UnsafeMutablePointer<uv_poll_t>?
    /// What the source wants to be told of at all.
    final var interest: PollEvents = []
    /// What libuv was asked for.
    final var asked: PollEvents = []
    /// Whether the source is in the poller's list of changed sources.
    final var isChanged = false
    /// The place in the poller's list of unwatched sources; -1 outside of it.
    final var unwatchedPlace = -1
    /// Whether a failure was told: nothing more will happen.
    final var hasFailed = false

    init(_ descriptor: Int32) {
        openDescriptor = descriptor
    }

    /// The descriptor; -1 after it was closed.
    package final var descriptor: Int32 { openDescriptor }

    /// The descriptor is ready for `events`.
    func ready(_ events: PollEvents) {}

    /// The system refused to watch the descriptor any longer, with this error number.
    func watchingFailed(_ code: Int32) {}

    /// What the source was told and has not used up, so that it need not be told again.
    var known: PollEvents { [] }

    /// Whether the source has to learn of failures even while it wants to know nothing else.
    var needsFailures: Bool { false }

    /// What to ask libuv for.
    final var unknown: PollEvents { hasFailed ? [] : interest.subtracting(known) }

    /// Gives up the descriptor without closing it.
    final func giveAwayDescriptor() -> Int32 {
        defer { openDescriptor = -1 }
        return openDescriptor
    }

    /// Closes the descriptor; the source must have been removed from its poller.
    final func closeDescriptor() {
        guard openDescriptor >= 0 else { return }
        close(openDescriptor)
        openDescriptor = -1
    }
}
