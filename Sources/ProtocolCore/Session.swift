package import Basics
package import CryptoPrimitives
import Vocabulary
import WireCoding

/// A session with a peer after the handshake: its records, frames and streams.
///
/// It does no I/O and reads no clock: bytes and the time go in, bytes and events come out (PROTOCOL.md, Sessions).
///
/// The owner drives it like this, after every call that may have changed something:
/// 1. take all events with ``nextEvent()``;
/// 2. send: ``beginSending(at:upTo:)``, then fill any number of slots from ``nextSlot(atMost:)``, then ``endSending()``, then
///    write the bytes that ``unwritten(into:)`` returns and report them with ``wrote(_:)``;
/// 3. arm one timer for ``nextTimeout`` and call ``handleTimeout(at:)`` when it fires.
///
/// A session is confined to one thread. It cannot be copied: two copies would use the same key and nonces.
package struct Session: ~Copyable {
    /// The role of this end.
    package enum Role: Sendable {
        case client
        case server
    }

    /// The options that the owner chooses.
    package struct Options: Sendable {
        /// The parameters that this end announced to the peer.
        package var parameters: SessionParameters
        /// The maximum plaintext of a record at the beginning of a burst, in bytes: 1,024 to 65,536.
        package var chunk = SessionDefaults.chunk
        /// The maximum plaintext of a record in a burst that lasts, in bytes.
        package var maxRecord = SessionDefaults.maxRecord
        /// The limit to which the window of one stream may grow, in bytes.
        package var maxStreamWindow = UInt64(SessionDefaults.maxStreamWindow)
        /// The minimum number of bytes that a stream may send in one turn; see ``Session/beginSending(at:upTo:)``.
        package var quantum = 128 << 10
        /// The time without bytes from the peer after which this end sends a PING.
        package var keepAliveInterval = SessionDefaults.keepAliveInterval
        /// The time without bytes from the peer after which this end gives the link up.
        package var keepAliveTimeout = SessionDefaults.keepAliveTimeout
        /// The limits on the use of one key.
        package var keyLimits = KeyLimits.standard
        /// The limit on the records that are kept until the peer acknowledges them, in bytes; at least 4,096.
        package var logBytes = SessionDefaults.resumeBuffer
        /// The time for which the session waits for another link after it has lost one.
        package var resumeWindow = SessionDefaults.resumeWindow

        package init(parameters: SessionParameters) {
            self.parameters = parameters
        }
    }

    /// The phase of the session's life.
    enum Phase: Equatable {
        case open
        /// The log holds the last frame; the session reads nothing more.
        case closing
        case closed
    }

    let role: Role
    let options: Options
    let peer: SessionParameters
    /// The identifier and keys that prove the session on another link.
    package let proof: SessionProof
    var phase = Phase.open

    // Links
    /// The fault that ended the last link and the time of its end, while there is no other link.
    var lost: (fault: LinkFault, at: Instant)?
    /// The time at which the last liveness check began.
    var livenessCheckedAt = Instant(nanoseconds: 0)
    /// The number of links that were lost to damaged records.
    var damagedLinks = 0
    /// The number of resumption attempts that this end has made, or that it has seen the peer make.
    var attempts: UInt64 = 0
    /// The reason for the CLOSE that this end sends as soon as the peer has everything else.
    var closing: ReasonText?

    // Sending
    var sealing: DirectionKeys
    var log: OutboundLog
    let logBytes: Int
    /// The part of the log that streams may fill.
    var allowance: LogAllowance
    /// The number of records up to the last sealed one that asks to be acknowledged.
    var lastAskingRecord: UInt64 = 0
    /// The number of records up to the last sealed one with a frame of a stream.
    var lastStreamRecord: UInt64 = 0
    var sendWindow: SendWindow
    var scheduler: SendScheduler
    var building: RecordInProgress?
    var control = ControlQueue()
    /// Frames that can wait a little for a record that leaves anyway.
    var piggybacked = ControlQueue()
    var grantsDue: [Int] = []
    var isSessionGrantDue = false
    var delayedResets: [DelayedReset] = []
    var ownEarlyResets: TokenBucket
    var openConfirmation = OpenConfirmation()
    var ownPings: TokenBucket
    var lastDataAt: Instant
    var sendingAt: Instant
    /// The number of bytes sent since the last quiet time, up to ``SessionLimits/smallRecordBytes``.
    var burstBytes = 0
    /// Whether the last stream that sent filled its slot, and so probably has more.
    var sendsBulk = false
    let segments: UnsafeMutableBufferPointer<MemorySegment>

    // Receiving
    var opening: DirectionKeys
    var receiveWindow: ReceiveWindow
    var acknowledgements: AcknowledgementState
    var abuseBudget: AbuseBudget
    /// The length of the last received record, in bytes; 0 before the first.
    package internal(set) var lastRecordCount = 0
    var lastReceivedAt: Instant

    // Streams
    var streams = StreamTable()
    var nextStream: UInt32
    var openedByUs: UInt32 = 0
    var allowedByPeer: UInt32
    var lastPeerStream: UInt32 = 0
    var openedByPeer: UInt32 = 0
    var allowedToPeer: UInt32
    var endedOfPeer: UInt32 = 0
    var peerGoesAway = false
    var wentAwayAt: UInt32?

    var deadlines = Deadlines()
    var roundTrip = RoundTrip()
    /// The number of acknowledged records that proves that the peer has received the last PING.
    var askedBefore: UInt64 = 0
    var events = EventQueue()

    /// Whether windows may grow: the owner sets it to `false` when the process reaches its memory budget.
    package var mayGrow = true {
        // A peer that stalled for lack of credit sends nothing that would trigger another check.
        didSet { if mayGrow, receiveWindow.isGrantDue(lead: sessionLead) { isSessionGrantDue = true } }
    }

    /// Creates a session with the keys of a finished handshake.
    package init(
        role: Role,
        agreement: Agreement,
        options: Options,
        pool: BlockPool,
        makeCipher: @escaping RecordCipherMaker = recordCiphers(by: .libcrypto),
        at now: Instant
    ) throws(CryptoFailure) {
        let secrets = agreement.secrets
        let (ours, theirs) =
            role == .client ? (secrets.client, secrets.server) : (secrets.server, secrets.client)
        let sealing = try DirectionKeys(
            secret: ours,
            suite: agreement.suite,
            limits: options.keyLimits,
            makeCipher: makeCipher
        )
        let opening = try DirectionKeys(
            secret: theirs,
            suite: agreement.suite,
            limits: options.keyLimits,
            makeCipher: makeCipher
        )
        self.role = role
        self.options = options
        logBytes = max(options.logBytes, SessionLimits.minLog)
        allowance = LogAllowance(largest: logBytes)
        self.sealing = sealing
        self.opening = opening
        peer = agreement.peerParameters
        proof = SessionProof(agreement)
        let isResumable = options.parameters.features.intersection(agreement.peerParameters.features)
            .contains(.resume)
        log = OutboundLog(pool: pool, keeping: isResumable ? .untilAcknowledged : .untilWritten)
        sendWindow = SendWindow(limit: UInt64(peer.sessionWindow))
        receiveWindow = ReceiveWindow(size: UInt64(options.parameters.sessionWindow))
        scheduler = SendScheduler(quantum: options.quantum)
        segments = .allocate(capacity: Self.maxSegments)
        acknowledgements = AcknowledgementState()
        abuseBudget = AbuseBudget(at: now)
        ownEarlyResets = TokenBucket(
            capacity: SessionLimits.ownEarlyResetBurst,
            perSecond: SessionLimits.ownEarlyResetsPerSecond,
            at: now
        )
        ownPings = TokenBucket(
            capacity: SessionLimits.pingBurst / 2,
            perSecond: SessionLimits.pingsPerSecond / 2,
            at: now
        )
        nextStream = role == .client ? 1 : 2
        allowedByPeer = peer.maxStreams
        allowedToPeer = options.parameters.maxStreams
        lastDataAt = Instant(nanoseconds: 0)
        sendingAt = now
        lastReceivedAt = now
        deadlines.keepAlive = now.advanced(by: options.keepAliveInterval)
        ask(at: now)
    }

    deinit {
        segments.deallocate()
    }

    /// The number of records that one read can fill: four of the largest size fill a block of the log.
    static let maxSegments = 4
}

// MARK: - State

// Getters that run for every record are mutating, so that Swift passes the session by its address and not as a copy of its
// thousand bytes.
extension Session {
    /// Whether the session has not ended.
    package var isOpen: Bool { mutating get { phase == .open } }

    /// Whether this end may open another stream now.
    package var canOpen: Bool {
        mutating get { isAttached && !isSpent && openedByUs < allowedByPeer && hasControlSpace }
    }

    /// Whether this end can never open a stream again: an end closes or goes away, or the stream numbers are used up.
    package var isSpent: Bool {
        mutating get {
            phase != .open || peerGoesAway || closing != nil || nextStream > SessionLimits.lastStream
        }
    }

    /// The number of streams, those of both ends together.
    package var streamCount: Int { mutating get { streams.count } }

    /// The number of bytes that wait to be written to the link.
    package var unwrittenCount: Int { mutating get { log.unwrittenCount } }

    /// The number of bytes in the log, which keeps written ones in case the link is lost.
    package var keptCount: Int { log.keptCount }

    /// The shortest of the last round-trip times to the peer.
    package var shortestRoundTrip: Duration? { roundTrip.shortest }

    /// The time at which the last bytes from the peer arrived.
    package var lastReceived: Instant { lastReceivedAt }

    /// The time at which the owner has to call ``handleTimeout(at:)``.
    package var nextTimeout: Instant? { mutating get { phase == .open ? deadlines.first : nil } }

    /// Takes the oldest event.
    package mutating func nextEvent() -> SessionEvent? { events.take() }

    private var hasControlSpace: Bool { control.count < SessionLimits.maxOpenBytes }
}

// MARK: - Time

extension Session {
    /// Handles the timers that are due, when ``nextTimeout`` has come.
    package mutating func handleTimeout(at now: Instant) {
        guard phase == .open else { return }
        if now >= deadlines.acknowledgement {
            deadlines.acknowledgement = .distantFuture
            // No record has left in the meantime that could carry the acknowledgement or the piggybacked frames.
            acknowledgements.isDue = true
        }
        if now >= deadlines.delayedReset { releaseDelayedResets(at: now) }
        if now >= deadlines.keepAlive { keepAlive(at: now) }
        if now >= deadlines.liveness { endLivenessCheck(at: now) }
        if now >= deadlines.resumption { expire() }
    }

    /// Measures the round-trip time to the peer now; the result comes as ``SessionEvent/roundTrip(_:)``.
    ///
    /// It does nothing while a PING is unanswered, or if one more PING might exceed the abuse budget of the peer.
    package mutating func ping(at now: Instant) {
        guard isAttached, !roundTrip.isPending, ownPings.take(at: now) else { return }
        ask(at: now)
    }

    /// Sends a PING, unless the last one is still in the log.
    ///
    /// PINGs that pile up while links come and go would arrive all at once, and the peer might count them as abuse.
    private mutating func ask(at now: Instant) {
        guard log.acknowledgedRecords >= askedBefore else { return }
        askedBefore = log.sealedRecords + 1
        control.ping(roundTrip.begin(at: now))
    }

    private mutating func keepAlive(at now: Instant) {
        let dead = lastReceivedAt.advanced(by: options.keepAliveTimeout)
        guard now < dead else {
            linkFailed(.silent, at: now)
            return
        }
        let due = lastReceivedAt.advanced(by: options.keepAliveInterval)
        if now >= due {
            ask(at: now)
            deadlines.keepAlive = min(dead, now.advanced(by: options.keepAliveInterval))
        } else {
            deadlines.keepAlive = due
        }
    }
}
