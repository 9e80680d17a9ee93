/// The bounds on the resources that an authenticated peer can use, each with its reason.
package enum SessionLimits {
    /// The abuse budget: the number of useless but legal acts that a session tolerates in total.
    ///
    /// Examples are a WINDOW that gives nothing, an empty DATA, an unknown optional frame, and a key that changes more often than
    /// once a second. A correct peer does none of this; a hundred leave room for bugs.
    static let abuseBudget = 100

    /// The number of PINGs that may arrive at once; the next constant is the number that each second adds.
    ///
    /// Keepalive needs one in fifteen seconds.
    static let pingBurst = 20
    static let pingsPerSecond = 10

    /// The number of RESETs of young streams that may arrive at once; the next constant is the number that each second adds.
    ///
    /// A client that opens and resets a stream costs this end a connection to the target each time (CVE-2023-44487). A client
    /// that scans ports or checks health stays far below the limit.
    static let earlyResetBurst = 1000
    static let earlyResetsPerSecond = 100
    /// The age below which a stream is young: its RESET counts as early.
    static let earlyResetAge = Duration.seconds(1)
    /// The same limit for this end's RESETs of streams that the peer may still consider young; further RESETs are delayed.
    ///
    /// It is half of the peer's burst. The rate is low enough for a link that stalls until it is given up and then delivers all
    /// RESETs at once: 500 + 45 · 10 stay below 1,000.
    static let ownEarlyResetBurst = 500
    static let ownEarlyResetsPerSecond = 10

    /// The number of PING answers that may wait to be sent.
    ///
    /// More of them mean that the peer sends PINGs but does not read.
    static let maxAnswers = 64

    /// The number of bytes of queued control frames at which this end stops opening streams.
    ///
    /// They hold some ten thousand OPENs. Larger: this end would accept streams that a stalled link cannot carry.
    static let maxOpenBytes = 1 << 20
    /// The limit on the bytes of queued control frames; the next constant is added for each stream that the peer may open.
    ///
    /// An OPEN_RESULT, an end and a RESET together have 32 bytes. Anything beyond comes from a peer that goes on sending but does
    /// not read.
    static let maxControlBytes = 2 << 20
    static let controlBytesPerStream = 32

    /// The time limit of a liveness check: a link that stays silent for longer is lost.
    ///
    /// Larger: streams stall on a link that is gone. Smaller: this end gives up links that are only slow, because TCP retransmits
    /// a lost PING after about one and three seconds.
    static let livenessTimeout = Duration.seconds(5)
    /// The number of links that a session may lose to records that cannot be opened.
    ///
    /// Each of them is one attempt to forge a record; 64 attempts leave the chance of success far below 2^-100. A path that
    /// damages more records is not usable.
    static let maxDamagedLinks = 64
    /// The minimum size of the log, in bytes.
    ///
    /// Smaller: one acknowledgement, which is never acknowledged by itself, would fill the log permanently.
    static let minLog = 4 << 10
    /// The minimum reserve of the log for frames other than the streams' bytes, in bytes; a large log reserves a sixteenth.
    ///
    /// Control frames use only half of the reserve. The other half is for acknowledgements alone: if the logs of both ends are
    /// full, acknowledgements free the space. Without them the two ends would wait for each other for ever.
    static let minLogReserve = 16 << 10

    /// The number of records, or of bytes in the next constant, after which this end acknowledges.
    ///
    /// Larger: the peer's log grows beyond the needs of the path. Smaller: acknowledgements cost more records.
    static let recordsPerAcknowledgement: UInt64 = 64
    static let bytesPerAcknowledgement = 256 << 10
    /// The maximum delay of an acknowledgement.
    ///
    /// Smaller: each request costs a record for its acknowledgement before the reply can carry it.
    static let acknowledgementDelay = Duration.milliseconds(20)

    /// The maximum plaintext of a record that this end makes, in bytes; it accepts longer ones.
    ///
    /// Linux cuts loopback traffic into segments of 65,464 bytes (IPv6) or 65,483 bytes (IPv4), so a record fills one segment.
    /// Slightly larger: each write ends with a segment of a few bytes, which costs as much as a full one. Smaller: more records.
    /// Over Ethernet it makes no difference.
    package static let maxPlaintext = 65464 - RecordHeader.overhead

    /// The time without data after which records start small again.
    static let quietTime = Duration.seconds(1)
    /// The number of bytes for which records stay small at the beginning of a burst.
    ///
    /// The first screenful arrives sooner; after that, larger records cost less.
    static let smallRecordBytes = 64 << 10

    /// The limit to which the session's window can grow, in bytes.
    ///
    /// The session's window grows to one and a half times its largest stream window, so that one stream never holds up another.
    static let maxSessionWindow: UInt64 = 32 << 20
    /// The number of bytes that stalled streams may hold without using up the credit of the others.
    ///
    /// Bytes beyond it count against the session's window.
    static let maxHeld: UInt64 = 64 << 20

    /// The largest stream number that an end may open; the margin keeps stream numbers from overflowing.
    static let lastStream: UInt32 = .max - 16
}
