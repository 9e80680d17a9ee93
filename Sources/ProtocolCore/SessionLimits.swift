/// What a peer may cost us after it has proved itself: every bound, each with its reason.
package enum SessionLimits {
    /// Strange but legal things (a WINDOW that gives nothing, an empty DATA, an unknown optional frame, a key
    /// changed more often than once a second) that are put up with in all.
    ///
    /// A peer that works has none of them; a hundred are room for bugs.
    static let abuseBudget = 100

    /// PINGs that may come at once, and how many more each second.
    ///
    /// Keep-alive needs one in fifteen seconds.
    static let pingBurst = 20
    static let pingsPerSecond = 10

    /// RESETs of streams younger than a second that may come at once, and how many more each second.
    ///
    /// A client that opens and resets costs us a connection to the target each time (CVE-2023-44487); one
    /// that tries ports or checks health stays far below.
    static let earlyResetBurst = 1000
    static let earlyResetsPerSecond = 100
    /// A stream is early while it is younger than this.
    static let earlyResetAge = Duration.seconds(1)
    /// The same for our own RESETs of streams that the peer may still think young; what is more waits until they
    /// are old.
    ///
    /// Half a burst, and as many a second as a link that stands still until it is given up can hold back and
    /// then deliver at once: 500 and 45 times 10 stay below 1,000.
    static let ownEarlyResetBurst = 500
    static let ownEarlyResetsPerSecond = 10

    /// PING answers that may wait to be sent.
    ///
    /// More means that the peer asks and does not read.
    static let maxAnswers = 64

    /// Bytes of control frames that may wait to be sent before no more streams are opened.
    ///
    /// Some ten thousand OPENs: more would be promises about a link that stands still.
    static let maxOpenBytes = 1 << 20
    /// Bytes of control frames that may wait beside those, and as many more for every stream that the peer may
    /// open: an OPEN_RESULT, an end and a RESET have 32.
    ///
    /// What is more was caused by a peer that goes on and does not read.
    static let maxControlBytes = 2 << 20
    static let controlBytesPerStream = 32

    /// How long a link that is doubted may be silent.
    ///
    /// Longer would let streams stand still on a link that is gone; shorter would give up links that are only slow: the
    /// first retransmissions of a question come after about one and three seconds.
    static let livenessTimeout = Duration.seconds(5)
    /// Links that a session may lose to records that could not be opened.
    ///
    /// Each is one try to forge a record; 64 of them leave the chance far below 2^-100. A way that damages this much is
    /// no way.
    static let maxDamagedLinks = 64
    /// Less would be filled for good by an acknowledgement, which is the one thing that is never acknowledged by
    /// itself.
    static let minLog = 4 << 10
    /// How much further frames beside the streams' bytes may go: the larger of this and a sixteenth of the log.
    ///
    /// Control frames stop at half of it. The other half is for acknowledgements alone: when both ends are full,
    /// they are what makes room again, and without them the two would wait for each other for ever.
    static let minLogReserve = 16 << 10

    /// Acknowledge after so many records or bytes.
    ///
    /// More often would cost records; less often would make the peer's log longer than the way between us
    /// needs.
    static let recordsPerAcknowledgement: UInt64 = 64
    static let bytesPerAcknowledgement = 256 << 10
    /// Acknowledge so long after a record at the latest.
    ///
    /// Shorter would cost a record for each question before its answer can carry it.
    static let acknowledgementDelay = Duration.milliseconds(20)

    /// How long the records are that are made, at most, in bytes of plaintext; longer ones are taken.
    ///
    /// Linux cuts what stays on the machine into pieces of 65,464 bytes (IPv6) or 65,483 (IPv4), so that a record fills one. A
    /// little longer, and each write ends with a piece of some bytes, which costs as much as a whole one; shorter would cost
    /// records. Over Ethernet it makes no difference.
    package static let maxPlaintext = 65464 - RecordHeader.overhead

    /// After so long without data, records start small again.
    static let quietTime = Duration.seconds(1)
    /// For so many bytes: the first screenful arrives sooner; after that, larger records cost less.
    static let smallRecordBytes = 64 << 10

    /// How large the session's window can grow.
    ///
    /// One and a half times the largest stream's, so that one stream never holds up another.
    static let maxSessionWindow: UInt64 = 32 << 20
    /// What streams whose reader stands still may hold without taking anything from the others' credit.
    ///
    /// Beyond it, the session's window is what it is.
    static let maxHeld: UInt64 = 64 << 20

    /// The last stream an end can open: beyond it, numbers would run out in the middle of something.
    static let lastStream: UInt32 = .max - 16
}
