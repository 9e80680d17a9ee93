import DequeModule
import EventIO
import FoundationEssentials
import SecureLink
import Synchronization
import Vocabulary

/// The loop's side of one connection: the session, its message streams, and the items on them.
///
/// Confined to the loop's thread.
final class ConnectionDriver {
    let session: PeerSession
    let connection: Connection
    unowned let context: LoopContext
    /// Resumes the session at a client; `nil` at a server, which waits for the client.
    private let resumption: ResumptionDriver?
    private var messageStreams: [StreamName: MessageStream] = [:]
    private var finishing: (reason: String, failure: SallyportError, messageStreams: Int)?
    private var whenClosed: [() -> Void] = []
    private var deadline: LoopTimer?
    /// The error that the connection ends with, if it is more specific than the end of the session.
    private var failure: SallyportError?
    /// Receives the events of the connection.
    var observer: (any ConnectionObserver)?
    /// Whether the session is about to be ended.
    private(set) var isBroken = false
    /// Whether the observer has been notified of the connection.
    private var hasBegun = false
    /// The long payloads that are being sent, and those that wait for their turn.
    var longSenders: [ObjectIdentifier: LongSender] = [:]
    var waitingSenders = Deque<LongSender>()
    /// The total size of the long payloads that are being received or wait to be taken, in bytes.
    var announcedBytes = 0
    /// The long payloads that wait until others have been received and taken.
    var postponed: [LongReceiver] = []
    /// The byte streams, by their number within the connection.
    var byteStreams: [UInt64: ByteStreamEnd] = [:]
    var nextByteStream: UInt64 = 0
    /// The calls that wait for a link to open a byte stream.
    var openings: [OpenRequest] = []
    /// The payloads that handlers read in chunks, by their number within the connection.
    var intakes: [UInt64: ChunkIntake] = [:]
    var nextIntake: UInt64 = 0
    /// The long payloads that are being received.
    var admittedReceivers: Set<ObjectIdentifier> = []

    /// The services of the streams that carry items.
    static let packetService = "sallyport.packets"
    static let callService = "sallyport.calls"

    init(
        _ session: PeerSession,
        _ connection: Connection,
        in context: LoopContext,
        resumption: ResumptionDriver?
    ) {
        self.session = session
        self.connection = connection
        self.context = context
        self.resumption = resumption
        context.drivers[connection.id] = self
    }

    /// Whether this is the client's end of the session.
    private var isClient: Bool { resumption != nil }

    /// Opens the client's message streams; the server opens its own when the first of them arrives.
    func begin() {
        connection.takesMessages.store(true, ordering: .relaxed)
        open(.packets, Self.packetService, connection.packetOutbox)
        open(.calls, Self.callService, connection.callOutbox)
    }

    private func open(_ name: StreamName, _ service: String, _ outbox: Outbox) {
        let messageStream = MessageStream(name, outbox, owner: self)
        messageStream.stream = session.open(StreamRequest(service: service), for: messageStream)
        messageStreams[name] = messageStream
        messageStream.stream?.setReady()
    }

    /// Accepts a stream that the other end has opened; returns `nil` if its service is unknown or already has a stream.
    func accept(_ stream: LinkStream, _ service: String) -> (any StreamEndpoint)? {
        guard !isBroken, finishing == nil else { return nil }
        let name: StreamName
        switch service {
        case Self.packetService where !isClient: name = .packets
        // Other message streams are accepted only after the stream of packets.
        case Self.callService where messageStreams[.packets] != nil: name = .answers
        case LongReceiver.service where messageStreams[.packets] != nil: return receiveLong(stream)
        default:
            guard let end = acceptBytes(stream, service) else { return nil }
            tellBegun()
            return end
        }
        guard messageStreams[name] == nil else { return nil }
        let messageStream = MessageStream(
            name,
            name == .packets ? connection.packetOutbox : connection.replyOutbox,
            owner: self
        )
        messageStream.stream = stream
        messageStreams[name] = messageStream
        stream.reportTarget(nil)
        stream.setReady()
        if name == .packets {
            open(.calls, Self.callService, connection.callOutbox)
            let name = Payload.text(connection.options.application)
            connection.packetOutbox.sendAtOnce(Item(.welcome, number: 0, payload: name))
            connection.takesMessages.store(true, ordering: .relaxed)
            tellBegun()
        }
        return messageStream
    }

    private func tellBegun() {
        guard !hasBegun else { return }
        hasBegun = true
        observer?.connectionBegan(connection)
    }

    /// Reports that a message stream's outbox has bytes to send.
    func wake(_ name: StreamName) {
        messageStreams[name]?.stream?.setReady()
    }

    /// Returns credit to the other end, for an item that the application has taken.
    func release(_ charge: HeldCredit) {
        switch charge {
        case .none: break
        case .messageStream(let name, let count): messageStreams[name]?.stream?.consumed(count)
        case .long(let count): releaseLong(count)
        }
    }

    /// Closes the session because of a failure; from now on, all received items are ignored.
    func breakOff(_ failure: SallyportError, _ text: String = "") {
        guard !isBroken else { return }
        isBroken = true
        self.failure = self.failure ?? failure
        let isViolation = failure.code == .malformed
        if isViolation { session.breakOff(text) } else { session.closeAtOnce(text) }
    }
}

/// An object that receives the events of connections.
protocol ConnectionObserver: AnyObject {
    func connectionBegan(_ connection: Connection)
    func connection(_ connection: Connection, lostLink reason: String)
    func connectionResumed(_ connection: Connection)
    func connection(_ connection: Connection, ended failure: SallyportError)
}

// MARK: - Received items

extension ConnectionDriver: MessageStreamOwner {
    func messageStream(_ messageStream: MessageStream, received item: Item, size: Int) {
        received(item, .messageStream(messageStream.name, size), on: messageStream.name)
    }

    /// Handles an item, from a message stream or a stream of its own; the credit that it holds is returned later.
    func received(_ item: Item, _ charge: HeldCredit, on name: StreamName) {
        guard !isBroken else { return }
        switch (name, item.kind) {
        case (.packets, .packet), (.packets, .confirmedPacket): receivedPacket(item, charge)
        case (.answers, .request): receivedRequest(item, charge)
        case (.calls, .reply), (.calls, .failure):
            release(charge)
            connection.calls.answered(item)
        case (.answers, .cancel):
            release(charge)
            connection.requestRunner.cancel(item.number)
            connection.packetRunner.cancel(item.number)
            connection.chunkRequestRunner.cancel(item.number)
        case (.packets, .welcome) where isClient:
            release(charge)
            tellBegun()
        case (.packets, _), (.answers, _), (.calls, _):
            violated("an item of kind \(item.kind.rawValue) where it has no place")
        }
    }

    func messageStream(_ messageStream: MessageStream, broke fault: ItemFault) {
        violated("an item that cannot be read: \(fault.part)")
    }

    /// Closes the session because the other end violates MESSAGING.md; sends it a description.
    func violated(_ text: String) {
        breakOff(
            SallyportError(.malformed, "the other end sent \(text)"),
            "this end did not understand \(text)"
        )
    }

    func messageStreamEnded(_ messageStream: MessageStream, _ failure: StreamFailure?) {
        switch failure {
        case nil:
            // The other end sends nothing more: it is about to close the connection.
            break
        case .noService, .forbidden:
            breakOff(SallyportError(.incompatible, "what answers there does not take messages"))
        case .some(let failure):
            breakOff(SallyportError(.closed, "a stream of the connection was reset: \(failure.name)"))
        }
    }
}

// MARK: - Closing

extension ConnectionDriver {
    /// Closes the connection in an orderly way, after the data that was sent before.
    func close(_ reason: String, _ failure: SallyportError, _ closed: @escaping () -> Void) {
        whenClosed.append(closed)
        guard finishing == nil else { return }
        self.failure = self.failure ?? failure
        finishing = (reason, failure, messageStreams.count)
        let timer = LoopTimer(context.loop) { [unowned self] in session.closeAtOnce(reason) }
        timer.schedule(after: connection.options.closeTimeout)
        deadline = timer
        for outbox in [connection.packetOutbox, connection.callOutbox, connection.replyOutbox] {
            outbox.finish(failure)
        }
        if messageStreams.isEmpty { session.close(reason) }
    }

    func messageStreamFinished(_ messageStream: MessageStream) {
        guard var finishing else { return }
        finishing.messageStreams -= 1
        self.finishing = finishing
        guard finishing.messageStreams == 0 else { return }
        session.close(finishing.reason)
    }

    func messageStream(_ messageStream: MessageStream, sessionEnded reason: SessionEnd) {}

    /// Handles the end of the session.
    func ended(_ reason: SessionEnd) {
        deadline?.cancel()
        context.drivers[connection.id] = nil
        let isOrderly = failure == nil && reason.kind == .closedByPeer
        let failure = failure ?? SallyportError(reason)
        let senders = waitingSenders
        waitingSenders = []
        for sender in senders { sender.sessionEnded(reason) }
        connection.ended(failure, isOrderly: isOrderly)
        openWaiting()
        // The server removes the connection before the call that closed it returns.
        observer?.connection(connection, ended: failure)
        for closed in whenClosed { closed() }
        whenClosed = []
    }
}

extension ConnectionDriver: PeerSessionOwner {
    func session(
        _ session: PeerSession,
        opened stream: LinkStream,
        for request: StreamRequest
    ) -> (any StreamEndpoint)? {
        if let endpoint = accept(stream, request.service) { return endpoint }
        // A closing end may have the service, so it reports SHUTDOWN and not NO_SERVICE.
        let failure: StreamFailure = isBroken || finishing != nil ? .shutdown : .noService
        stream.reportTarget(failure)
        stream.reset(failure)
        stream.release()
        return nil
    }

    func session(_ session: PeerSession, _ notice: SessionNotice) {
        switch notice {
        case .goesAway, .measured: break
        case .detached(let fault):
            observer?.connection(connection, lostLink: fault.text)
            resumption?.linkLost()
        case .resumed:
            beginWaiting()
            openWaiting()
            observer?.connectionResumed(connection)
        case .ended(let end): ended(end)
        }
    }
}
