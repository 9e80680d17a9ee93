import Basics
import ProtocolCore

/// The definitions of load, on which fairness between streams, links and workers rests.
///
/// - A **stream** moves bulk in a window of time if it once moves ``bulkMove`` bytes in it (``BulkCount``). A link's turn is
///   proportional to its bulk streams; the link with the most of them gets ``turn`` bytes.
/// - A **link** is busy if it moves ``busyLink`` bytes in a window (``TrafficMeter``): new streams go to another one, or have one
///   dialled.
/// - A **loop** is interactive if its links move bytes and no link is busy (``TrafficGauge``): neighbours then take turns of
///   ``turnBesideInteractive`` bytes.
/// - A **worker** has the load of its streams, and of one more stream for every ``trafficOfOneStream`` bytes that its links move in a
///   window: visitors go to the worker with the least load.
/// - A **plain socket** moves bulk if it has ``bulkRead`` bytes ready at once: it then gets larger buffers.
package enum Workload {
    /// The length of a window in which traffic is counted.
    ///
    /// Longer: a session that has just finished still counts as busy. Shorter: a burst counts as bulk.
    static let window = TimeSpan.milliseconds(50)
    /// The smallest number of bytes moved at once that count as bulk.
    ///
    /// Larger: some bulk streams are not counted, and their links get too short turns. Smaller: requests and responses count as bulk.
    static let bulkMove = 16 << 10
    /// The number of bytes in one window from which a link counts as busy: 20 MB/s.
    ///
    /// A single interactive stream never moves that much, and an interactive stream next to this traffic is delayed by it. Larger:
    /// it is delayed more before another link is used. Smaller: links are dialled for bursts.
    static let busyLink = 1 << 20
    /// The number of bytes in one window that weigh as much as one stream.
    ///
    /// Larger: visitors go to a worker that is busy with bulk. Smaller: one bulk stream drives all visitors to other workers.
    package static let trafficOfOneStream = 256 << 10
    /// The number of bytes that a plain socket has ready at once if it moves bulk: no question or answer of an application is that
    /// long.
    ///
    /// Larger: bulk is recognised later. Smaller: the socket of a large answer gets buffers that it does not need.
    package static let bulkRead = 64000
    /// The maximum number of bytes that a link moves in a turn: eight records of maximum size, the capacity of two large blocks of
    /// the outbound log.
    ///
    /// Larger: twice as much saves another 5 % of processor time, but streams get unequal shares, because few plain sockets have
    /// that many bytes ready when their turn comes. Smaller: half as much costs 10 % more processor time, for system calls and
    /// for waking threads.
    static let turn = 8 * maxRecord
    /// The same maximum while a neighbour is interactive.
    ///
    /// The kernel seldom preempts a thread within a system call. Larger: with twice as much, on a machine with few processors,
    /// every hundredth request of these streams takes half as long again. Smaller: bulk costs more system calls.
    static let turnBesideInteractive = maxRecord
    /// The smallest number of bytes in a turn: four small records, 13 ms at 10 Mbit/s.
    ///
    /// Larger: on a slow link, urgent bytes wait behind more sealed ones. Smaller: a turn costs a system call for every few bytes.
    static let minTurn = 16 << 10
    /// Below this number of bytes in a window, no link of a loop needs spare blocks of the outbound log.
    ///
    /// Larger: blocks are given back and taken again. Smaller: a quiet loop keeps memory.
    static let quietLoop = 64 << 10

    private static let maxRecord = SessionLimits.maxPlaintext + RecordHeader.overhead
}
