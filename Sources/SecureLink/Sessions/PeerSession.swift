package import Basics
package import EventIO
import ProtocolCore
package import Vocabulary
import WireCoding

/// Owns sessions and decides what their streams are for.
///
/// Called on the session's loop.
package protocol PeerSessionOwner: AnyObject {
    /// The peer opened a stream. Called while the session reads: the stream's bytes may follow at once.
    ///
    /// - Returns: the stream's plain end, or `nil` when the stream was reset and released at once.
    func session(
        _ session: PeerSession,
        opened stream: LinkStream,
        for request: StreamRequest
    ) -> (any StreamEndpoint)?

    /// Something happened to the session. Called at the end of a turn, never from within a call of the owner's.
    func session(_ session: PeerSession, _ notice: SessionNotice)
}

/// A session with a peer on the link that it has now: the core driven by a socket and a clock.
///
/// The link may be lost and another one take its place; streams do not notice. Every turn ends in ``turnEnded()``: the session
/// seals and writes what there is to send, then tells its owner the turn's news. Confined to its loop's thread.
package final class PeerSession {
    /// The loop that the session lives on.
    package let environment: LinkEnvironment
    /// The user that the client proved to be.
    package let userName: String
    /// The same, with the number of the password where it is not the first: `alice/2`.
    package let user: String
    /// Where the link goes, or went.
    package internal(set) var remote: SocketAddress
    /// Whether records hide what is in them.
    package let isEncrypted: Bool
    /// Who is asked about new streams and told of the end.
    package weak var owner: (any PeerSessionOwner)?
    /// How many streams the end of the session cut off, or wait because its link was lost.
    package internal(set) var interruptedStreams = 0
    /// Whether the session has lost its last link and has not got another one; stays so when it ends like that.
    package internal(set) var hasLostLink = false

    var core: Session
    var socket: StreamSocket?
    /// Bytes that go out before the first record: the end of the handshake.
    var preamble: [UInt8]
    var partial = PartialRecord()
    var slots: [StreamSlot] = []
    var touched: [any StreamEndpoint] = []
    var isFlushQueued = false
    var wantsRead = false
    /// How the owner wants the session to end, done at the turn's end.
    var requestedEnd: RequestedEnd?
    /// The news of this turn, in the order in which it happened.
    var notices: [SessionNotice] = []
    /// How many bytes the last turn of reading had room for and could not use: less than a record.
    var unusedRoom = 0
    var armedFor = Instant.distantFuture
    var timer: LoopTimer?
    var lingering: PeerSession?
    /// How often links may be lost without a wait.
    var reconnectBudget: TokenBucket
    /// When the link was lost.
    var detachedAt = Instant.start
    let keepAliveTimeout: Duration
    var traffic = TrafficMeter()
    /// How many streams move bulk.
    var bulk = BothDirections(BulkCount())
    let segments: UnsafeMutableBufferPointer<MemorySegment>

    /// A stream's endpoint, with the name that tells it from a later stream in the same slot.
    struct StreamSlot {
        var id = StreamID(rawValue: 0)
        var endpoint: (any StreamEndpoint)?
        /// The last window in which the stream was counted as bulk.
        var countedIn = BothDirections<UInt64>(0)
    }

    /// How many bytes of streams a turn seals on a slow link: four small records, 13 ms at 10 Mbit/s.
    static let minTurnBytes = 16 << 10
    /// Runs of memory in one write: a turn's bytes lie in at most three blocks.
    static let maxSegments = 8
    /// How long the other end may take to read our last words.
    static let lingerTime = Duration.seconds(3)
    /// What the system may hold unsent.
    static let unsentBytes: Int32 = 128 << 10

    /// A session with the keys of a finished handshake, on the socket that the handshake ran over.
    init(
        role: Session.Role,
        agreement: Agreement,
        options: LinkOptions,
        socket: StreamSocket,
        remote: SocketAddress,
        preamble: [UInt8],
        environment: LinkEnvironment
    ) throws(HandshakeFault) {
        do {
            core = try Session(
                role: role,
                agreement: agreement,
                options: options.session,
                pool: environment.blocks,
                makeCipher: environment.makeCipher,
                at: environment.loop.now
            )
        } catch {
            throw .crypto(error)
        }
        self.environment = environment
        reconnectBudget = TokenBucket(
            capacity: Self.reconnectBurst,
            perSecond: Self.reconnectsPerSecond,
            at: environment.loop.now
        )
        self.socket = socket
        self.remote = remote
        self.preamble = preamble
        userName = agreement.identity.user
        user = agreement.identity.text
        isEncrypted = agreement.suite.hidesContent
        segments = .allocate(capacity: Self.maxSegments)
        keepAliveTimeout = options.keepAliveTimeout
        timer = LoopTimer(environment.loop) { [unowned self] in timeout() }
        adopt(socket)
    }

    deinit {
        socket?.close()
        segments.deallocate()
    }
}

// MARK: - What the owner calls

extension PeerSession {
    /// Begins: `received` is what came behind the handshake.
    func start(received: [UInt8]) {
        if !received.isEmpty { process(received: received) }
        flushSoon()
        if socket?.isReadable ?? false { readAgainSoon() }
    }

    /// Opens a stream; its bytes may follow at once.
    ///
    /// - Returns: the stream, or `nil` when ``canOpen`` is false.
    package func open(_ request: StreamRequest, for endpoint: any StreamEndpoint) -> LinkStream? {
        guard requestedEnd == nil, let handle = core.open(request, at: environment.loop.now) else {
            return nil
        }
        seat(endpoint, at: handle)
        flushSoon()
        return LinkStream(session: self, handle: handle)
    }

    /// Whether a stream can be opened now.
    package var canOpen: Bool { requestedEnd == nil && core.canOpen }

    /// Whether no stream can be opened ever again.
    package var isSpent: Bool { requestedEnd != nil || core.isSpent }

    /// Whether the session has not ended.
    package var isOpen: Bool { core.isOpen }

    /// How many streams there are.
    package var streamCount: Int { core.streamCount }

    /// Whether the session has moved so much lately that a stream had better go elsewhere.
    package var isBusy: Bool { traffic.isBusy(at: environment.loop.now) }

    /// How many bytes of bulk go over the link, not counting what has only just begun: for choosing the least busy.
    package var bulkBytes: Int {
        let settled = traffic.settled(at: environment.loop.now)
        return settled < TrafficMeter.busyBytes ? 0 : settled
    }

    /// All streams are gone: the next one to come is not kept away by what they have moved.
    package func streamsAreGone() {
        traffic.clear(at: environment.loop.now)
    }

    /// The shortest of the last measurements of the way to the peer and back.
    package var roundTrip: Duration? { core.shortestRoundTrip }

    /// When the peer last gave a sign of life.
    package var lastReceived: Instant { core.lastReceived }

    /// Asks the peer for a sign of life now.
    package func ping() {
        core.ping(at: environment.loop.now)
        flushSoon()
    }

    /// Tells the peer that no new streams are welcome; those that there are go on.
    package func goAway() {
        core.goAway(.shutdown)
        flushSoon()
    }

    /// Closes the session as soon as the peer has acknowledged everything that was sent on streams.
    ///
    /// From now on no stream can be opened.
    ///
    /// - Parameter text: the reason that the peer is sent; cut to the room that a CLOSE frame has.
    package func close(_ text: String = "") {
        request(.whenAcknowledged(.shutdown, text))
    }

    /// Closes the session at the turn's end, with the streams that it still has.
    ///
    /// - Parameter text: the reason that the peer is sent.
    package func closeAtOnce(_ text: String = "") {
        request(.now(.shutdown, text))
    }

    /// Closes the session at the turn's end, because the peer violates the protocol that is spoken on its streams.
    ///
    /// - Parameter text: the reason that the peer is sent.
    package func breakOff(_ text: String) {
        request(.now(.protocolError, text))
    }

    /// Closes the session at the turn's end, because its user may not be here any more.
    package func revoke() {
        request(.now(.revoked, ""))
    }

    /// Ends a session that has no link at the turn's end: it will not be resumed.
    package func abandon(_ cause: Abandonment) {
        request(.abandoned(cause))
    }

    /// Gives back memory that a silent session does not need; to be called now and then.
    package func rest() {
        core.rest(at: environment.loop.now)
        guard core.streamCount == 0 else { return }
        if slots.capacity > 0 { slots = [] }
        if touched.isEmpty, touched.capacity > 0 { touched = [] }
        partial.rest()
    }

    /// Whether windows may grow: taken away when memory is short.
    package var mayGrow: Bool {
        get { core.mayGrow }
        set { core.mayGrow = newValue }
    }

    func flushSoon() {
        guard !isFlushQueued else { return }
        isFlushQueued = true
        environment.loop.atEndOfTurn(self)
    }

    func release(_ handle: StreamHandle) {
        core.release(handle, at: environment.loop.now)
        if handle.slot < slots.count, slots[handle.slot].id == handle.id { slots[handle.slot] = StreamSlot() }
        if core.hasControl { flushSoon() }
    }
}
