package import Basics
package import CryptoPrimitives
import Vocabulary
import WireCoding

/// A conversation with a peer after the handshake: records, frames and streams.
///
/// It has no hands: bytes and the time go in, bytes and events come out (PROTOCOL.md, Sessions).
///
/// How to drive it, after every call that could change something:
/// 1. take all events with ``nextEvent()``;
/// 2. send: ``beginSending(at:upTo:)``, then fill slots from ``nextSlot(atMost:)`` for as long as it seems good, then
///    ``endSending()``, then write what ``unwritten(into:)`` shows and report it with ``wrote(_:)``;
/// 3. arm one timer for ``nextTimeout`` and call ``handleTimeout(at:)`` when it fires.
///
/// A session is confined to one thread. It cannot be copied: two of them would use the same key twice.
package struct Session: ~Copyable {
    /// Which end this is.
    package enum Role: Sendable {
        case client
        case server
    }

    /// What the owner chooses.
    package struct Options: Sendable {
        /// What this end told the peer that it is ready to receive.
        package var parameters: SessionParameters
        /// How long records are at the beginning of a burst, in bytes of plaintext: 1,024 to 65,536.
        package var chunk = SessionDefaults.chunk
        /// How long they get.
        package var maxRecord = SessionDefaults.maxRecord
        /// How large the window of one stream may grow.
        package var maxStreamWindow = UInt64(SessionDefaults.maxStreamWindow)
        /// How many bytes a stream may send before it is another one's turn, at least; see ``Session/beginSending(at:upTo:)``.
        package var quantum = 128 << 10
        /// After so long without a sign of life, the peer is asked for one.
        package var keepAliveInterval = SessionDefaults.keepAliveInterval
        /// After so long without one, the link is given up.
        package var keepAliveTimeout = SessionDefaults.keepAliveTimeout
        /// How long a key is used.
        package var keyLimits = KeyLimits.standard
        /// How many bytes of records are kept until the peer acknowledges them; at least 4,096.
        package var logBytes = SessionDefaults.resumeBuffer
        /// How long the session waits for another link when it has lost one.
        package var resumeWindow = SessionDefaults.resumeWindow

        package init(parameters: SessionParameters) {
            self.parameters = parameters
        }
    }

    /// How far the session has come.
    enum Phase: Equatable {
        case open
        /// The last frame is in the log; nothing is read any more.
        case closing
        case closed
    }

    let role: Role
    let options: Options
    let peer: SessionParameters
    /// What the session is proved with on another link.
    package let proof: SessionProof
    var phase = Phase.open

    // Its links
    /// What became of the last link, while there is no other; when that was.
    var lost: (fault: LinkFault, at: Instant)?
    /// When the link was last doubted.
    var livenessCheckedAt = Instant(nanoseconds: 0)
    /// How many links were lost to damaged records.
    var damagedLinks = 0
    /// How often this end has tried to take the session to another link, or has seen the peer do so.
    var attempts: UInt64 = 0
    /// What is to be said last, as soon as the peer has everything else.
    var closing: ReasonText?

    // Sending
    var sealing: DirectionKeys
    var log: OutboundLog
    let logBytes: Int
    /// How much of it streams may fill.
    var allowance: LogAllowance
    /// How many records there were when the last one was sealed that asks to be acknowledged.
    var lastAskingRecord: UInt64 = 0
    /// The same for the last one in which something was said on a stream.
    var lastStreamRecord: UInt64 = 0
    var sendWindow: SendWindow
    var scheduler: SendScheduler
    var building: RecordInProgress?
    var control = ControlQueue()
    /// What can wait a little for a record that leaves anyway.
    var piggybacked = ControlQueue()
    var grantsDue: [Int] = []
    var isSessionGrantDue = false
    var delayedResets: [DelayedReset] = []
    var ownEarlyResets: TokenBucket
    var openConfirmation = OpenConfirmation()
    var ownPings: TokenBucket
    var lastDataAt: Instant
    var sendingAt: Instant
    /// How many bytes were sent since it was quiet, as far as it matters.
    var burstBytes = 0
    /// Whether the last stream that sent had more than fitted into its turn.
    var sendsBulk = false
    let segments: UnsafeMutableBufferPointer<MemorySegment>

    // Receiving
    var opening: DirectionKeys
    var receiveWindow: ReceiveWindow
    var acknowledgements: AcknowledgementState
    var abuseBudget: AbuseBudget
    /// How long the last record was that came, in bytes; 0 before the first.
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
    /// How many records there have to be acknowledged before the last PING surely has been.
    var askedBefore: UInt64 = 0
    var events = EventQueue()

    /// Whether windows may grow: the owner takes it away when the process runs out of its memory budget.
    package var mayGrow = true {
        // What stood still for want of credit brings nothing that would make us look again.
        didSet { if mayGrow, receiveWindow.isGrantDue(lead: sessionLead) { isSessionGrantDue = true } }
    }

    /// A session with the keys of a finished handshake.
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

    /// How many records one read can fill at once: four of the largest kind fill a block of the log.
    static let maxSegments = 4
}

// MARK: - What it is up to

// Getters that are asked for every record are mutating: a session is passed to them by its address then, and otherwise as a copy
// of its thousand bytes.
extension Session {
    /// Whether the session has not ended.
    package var isOpen: Bool { mutating get { phase == .open } }

    /// Whether this end may open another stream now.
    package var canOpen: Bool {
        mutating get { isAttached && !isSpent && openedByUs < allowedByPeer && hasControlSpace }
    }

    /// Whether this end can never open a stream again: an end goes away, or the numbers are used up.
    package var isSpent: Bool {
        mutating get {
            phase != .open || peerGoesAway || closing != nil || nextStream > SessionLimits.lastStream
        }
    }

    /// How many streams there are, both ends' together.
    package var streamCount: Int { mutating get { streams.count } }

    /// How many bytes wait for the link.
    package var unwrittenCount: Int { mutating get { log.unwrittenCount } }

    /// How many bytes are kept in case the link is lost.
    package var keptCount: Int { log.keptCount }

    /// The shortest of the last measurements of the way to the peer and back.
    package var shortestRoundTrip: Duration? { roundTrip.shortest }

    /// When the peer last gave a sign of life.
    package var lastReceived: Instant { lastReceivedAt }

    /// When ``handleTimeout(at:)`` wants to be called.
    package var nextTimeout: Instant? { mutating get { phase == .open ? deadlines.first : nil } }

    /// Takes the oldest event.
    package mutating func nextEvent() -> SessionEvent? { events.take() }

    private var hasControlSpace: Bool { control.count < SessionLimits.maxOpenBytes }
}

// MARK: - Time

extension Session {
    /// Tells the session that ``nextTimeout`` has come.
    package mutating func handleTimeout(at now: Instant) {
        guard phase == .open else { return }
        if now >= deadlines.acknowledgement {
            deadlines.acknowledgement = .distantFuture
            // Nothing has left in the meantime that could have carried it, or what waits with it.
            acknowledgements.isDue = true
        }
        if now >= deadlines.delayedReset { releaseDelayedResets(at: now) }
        if now >= deadlines.keepAlive { keepAlive(at: now) }
        if now >= deadlines.liveness { endLivenessCheck(at: now) }
        if now >= deadlines.resumption { expire() }
    }

    /// Measures the way to the peer and back now; the answer comes as ``SessionEvent/roundTrip(_:)``.
    ///
    /// Nothing happens while an answer is awaited, or when there were so many that the peer might take offence.
    package mutating func ping(at now: Instant) {
        guard isAttached, !roundTrip.isPending, ownPings.take(at: now) else { return }
        ask(at: now)
    }

    /// Asks for a sign of life, unless the last question is still in the log: questions that pile up while links come and
    /// go would arrive all at once, and the peer would take offence.
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
