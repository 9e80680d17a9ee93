package import Platform
import SecureLink

/// What one process may hold at most, so that no stranger and no bad day makes it grow without end.
///
/// What is beyond a limit is refused with a reason and counted. The ranges are checked by `TunnelConfiguration.init`.
package struct ProcessLimits: Hashable, Sendable {
    /// Streams open at one time in one session.
    package var maxStreams: Int
    /// Accepted links open at one time.
    package var maxLinks: Int
    /// Links at one time that have not yet proved that they know a password.
    package var maxHandshakes: Int
    /// Bytes that the buffers of all streams may hold together.
    package var memory: Int

    /// Limits of a process; what is left out has its default, and memory is a share of this machine.
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
    /// One stream is the least a session can be good for; the stream numbers of the protocol are 31 bits wide.
    package static let maxStreamsRange = 1...(1 << 20)

    /// Four links each for a thousand peers.
    ///
    /// Larger: more file descriptors, see `ulimit -n`. Smaller: peers beyond it are told to come back later.
    package static let defaultMaxLinks = 4096
    /// Up to what a process can have as file descriptors on an ordinary system.
    package static let maxLinksRange = 1...(1 << 20)

    /// At a millisecond of arithmetic for each, a quarter of a second of work in the queue.
    ///
    /// Larger: a flood of strangers costs more before it is turned away. Smaller: many peers that come back at once,
    /// as after a power cut, have to try more often.
    package static let defaultMaxHandshakes = 256
    /// At least one, or nobody gets in.
    package static let maxHandshakesRange = 1...65536

    /// A quarter of a machine of this size, in bytes: the rest is for what else lives there.
    ///
    /// Larger: more streams at full window. Smaller: windows stop growing sooner, streams are refused sooner.
    package static func defaultMemory(of machine: MachineSize) -> Int {
        max(memoryRange.lowerBound, min(memoryRange.upperBound, machine.memory / 4))
    }
    /// From 16 MiB, the largest window of a single stream, to 1 TiB.
    package static let memoryRange = (16 << 20)...(1 << 40)
}
