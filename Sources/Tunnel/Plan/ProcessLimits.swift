package import Platform
import SecureLink

/// The limits of one process, so that neither an unauthenticated client nor an overload makes it grow without bound.
///
/// The process refuses a request beyond a limit, and logs and counts the refusal. The ranges are checked by
/// `TunnelConfiguration.init`.
package struct ProcessLimits: Hashable, Sendable {
    /// Streams open at one time in one session.
    package var maxStreams: Int
    /// Accepted links open at one time.
    package var maxLinks: Int
    /// Links open at one time whose clients have not yet proved that they know a password.
    package var maxHandshakes: Int
    /// Bytes that the buffers of all streams may hold together.
    package var memory: Int

    /// Limits of a process; omitted values have their defaults, and the default memory is a share of this machine's.
    package init(
        maxStreams: Int = Self.defaultMaxStreams,
        maxLinks: Int = Self.defaultMaxLinks,
        maxHandshakes: Int = Self.defaultMaxHandshakes,
        memory: Int = Self.defaultMemory(of: .current)
    ) {
        self.maxStreams = maxStreams
        self.maxLinks = maxLinks
        self.maxHandshakes = maxHandshakes
        self.memory = memory
    }

    package static let defaultMaxStreams = LinkOptions.standard.maxStreams
    /// A session without a stream would be useless; the stream numbers of the protocol are 31 bits wide.
    package static let maxStreamsRange = 1...(1 << 20)

    /// Enough for a thousand peers with four links each.
    ///
    /// Larger: more file descriptors, see `ulimit -n`. Smaller: links beyond it are reset, and their peers have to retry.
    package static let defaultMaxLinks = 4096
    /// Up to the number of file descriptors that a process can have on an ordinary system.
    package static let maxLinksRange = 1...(1 << 20)

    /// A handshake takes a millisecond of arithmetic, so the queue holds a quarter of a second of work.
    ///
    /// Larger: a flood of unauthenticated clients costs more before it is rejected. Smaller: many peers that come back at once,
    /// as after a power cut, have to retry more often.
    package static let defaultMaxHandshakes = 256
    /// At least one, or no client could log in.
    package static let maxHandshakesRange = 1...65536

    /// A quarter of the machine's memory, in bytes: the rest is for other processes.
    ///
    /// Larger: more streams at full window. Smaller: windows stop growing and streams are refused sooner.
    package static func defaultMemory(of machine: MachineSize) -> Int {
        max(memoryRange.lowerBound, min(memoryRange.upperBound, machine.memory / 4))
    }
    /// From 16 MiB, the default maximum window of a single stream, to 1 TiB.
    package static let memoryRange = (16 << 20)...(1 << 40)
}
