package import Basics
package import EventIO
import ProtocolCore
package import Vocabulary
import WireCoding

/// Owns sessions and decides what their streams are for.
///
/// The session calls it on its loop.
package protocol PeerSessionOwner: AnyObject {
    /// The peer has opened a stream.
    ///
    /// Called while the session reads: the stream's bytes may follow at once.
    ///
    /// - Returns: the stream's endpoint, or `nil` if the owner has reset and released the stream.
    func session(
        _ session: PeerSession,
        opened stream: LinkStream,
        for request: StreamRequest
    ) -> (any StreamEndpoint)?

    /// Something happened to the session.
    ///
    /// Called at the end of a turn, never from within a call of the owner.
    func session(_ session: PeerSession, _ notice: SessionNotice)
}

/// A session with a peer: the protocol's core, driven by the socket of its current link and by a clock.
///
/// If the link is lost and another one takes its place, streams do not notice it. Every turn ends in ``turnEnded()``: the session
/// seals and writes what there is to send, then delivers the turn's notices to its owner. It is confined to its loop's thread.
package final class PeerSession {
    /// The environment of the loop that the session runs on.
    package let environment: LinkEnvironment
    /// The user that the client proved to be.
    package let userName: String
    /// The user with the number of the password if it is not the first: `alice/2`.
    package let user: String
    /// The remote address of the link, or of the last one.
    package internal(set) var remote: SocketAddress
    /// Whether records are encrypted.
    package let isEncrypted: Bool
    /// The owner, which decides about new streams and gets the notices.
    package weak var owner: (any PeerSessionOwner)?
    /// The number of streams that the end of the session cut off, or that wait because the link was lost.
    package internal(set) var interruptedStreams = 0
    /// Whether the session has lost its link and has no other one; stays `true` if the session ends without one.
    package internal(set) var hasLostLink = false

    var core: Session
    var socket: StreamSocket?
    /// The bytes that are sent before the first record: the end of the handshake.
    var preamble: [UInt8]
    var partial = PartialRecord()
    var slots: [StreamSlot] = []
    var touched: [any StreamEndpoint] = []
    var isFlushQueued = false
    var wantsRead = false
    /// The owner's request to end the session, carried out at the turn's end.
    var requestedEnd: RequestedEnd?
    /// The notices of this turn, in order.
    var notices: [SessionNotice] = []
    /// The number of bytes that the last read had room for and did not use: less than a record.
    var unusedRoom = 0
    var armedFor = Instant.distantFuture
    var timer: LoopTimer?
    var lingering: PeerSession?
    /// The number of links that may be lost without a wait.
    var reconnectBudget: TokenBucket
    /// The moment when the link was lost.
    var detachedAt = Instant.start
    let keepAliveTimeout: Duration
    var traffic = TrafficMeter()
    /// The number of streams that move bulk.
    var bulk = BothDirections(BulkCount())
    let segments: UnsafeMutableBufferPointer<MemorySegment>

    /// A stream's endpoint, with the ID that tells the stream from a later one in the same slot.
    struct StreamSlot {
        var id = StreamID(rawValue: 0)
        var endpoint: (any StreamEndpoint)?
        /// The last window in which the stream was counted as bulk.
        var countedIn = BothDirections<UInt64>(0)
    }

    /// The maximum number of memory segments in one write: a turn's bytes lie in at most three blocks.
    static let maxSegments = 8
    /// The time that the other end has to read the final bytes.
    static let lingerTime = Duration.seconds(3)
    /// The maximum number of unsent bytes in the kernel.
    static let unsentBytes: Int32 = 128 << 10

    /// A session with the keys of a finished handshake, on the socket of that handshake.
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

// MARK: - Calls of the owner

extension PeerSession {
    /// Starts the session; `received` holds the bytes that arrived after the handshake.
    func start(received: [UInt8]) {
        if !received.isEmpty { process(received: received) }
        flushSoon()
        if socket?.isReadable ?? false { readAgainSoon() }
    }

    /// Opens a stream; its bytes may follow at once.
    ///
    /// - Returns: the stream, or `nil` if ``canOpen`` is false.
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

    /// Whether no stream can ever be opened again.
    package var isSpent: Bool { requestedEnd != nil || core.isSpent }

    /// Whether the session has not ended.
    package var isOpen: Bool { core.isOpen }

    /// The number of streams.
    package var streamCount: Int { core.streamCount }

    /// Whether the session's recent traffic is so high that a new stream should use another session.
    package var isBusy: Bool { traffic.isBusy(at: environment.loop.now) }

    /// The recent bulk of the session in bytes, without streams that have only just started; for choosing the least busy session.
    package var bulkBytes: Int {
        let settled = traffic.settled(at: environment.loop.now)
        return settled < Workload.busyLink ? 0 : settled
    }

    /// All streams have ended: their bytes must not keep the next stream away from this session.
    package func streamsAreGone() {
        traffic.clear(at: environment.loop.now)
    }

    /// The shortest of the recent measurements of the round trip.
    package var roundTrip: Duration? { core.shortestRoundTrip }

    /// The moment of the last bytes from the peer.
    package var lastReceived: Instant { core.lastReceived }

    /// Sends a PING to the peer, for a liveness check.
    package func ping() {
        core.ping(at: environment.loop.now)
        flushSoon()
    }

    /// Sends GOAWAY to the peer: it may open no new streams; existing streams continue.
    package func goAway() {
        core.goAway(.shutdown)
        flushSoon()
    }

    /// Closes the session as soon as the peer has acknowledged everything that was sent on streams.
    ///
    /// From now on no stream can be opened.
    ///
    /// - Parameter text: the reason for the peer; cut to the room that a CLOSE frame has.
    package func close(_ text: String = "") {
        request(.whenAcknowledged(.shutdown, text))
    }

    /// Closes the session at the turn's end, together with the streams that are still open.
    ///
    /// - Parameter text: the reason for the peer.
    package func closeAtOnce(_ text: String = "") {
        request(.now(.shutdown, text))
    }

    /// Closes the session at the turn's end, because the peer violates the protocol that is spoken on its streams.
    ///
    /// - Parameter text: the reason for the peer.
    package func breakOff(_ text: String) {
        request(.now(.protocolError, text))
    }

    /// Closes the session at the turn's end, because its user may no longer use it.
    package func revoke() {
        request(.now(.revoked, ""))
    }

    /// Ends a session that has no link, at the turn's end: it will not be resumed.
    package func abandon(_ cause: Abandonment) {
        request(.abandoned(cause))
    }

    /// Frees memory that an idle session does not need; to be called from time to time.
    package func rest() {
        core.rest(at: environment.loop.now)
        guard core.streamCount == 0 else { return }
        if slots.capacity > 0 { slots = [] }
        if touched.isEmpty, touched.capacity > 0 { touched = [] }
        partial.rest()
    }

    /// Whether windows may grow; the owner sets it to `false` when memory is short.
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
