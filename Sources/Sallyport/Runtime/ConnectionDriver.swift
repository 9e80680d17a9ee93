import EventIO
import FoundationEssentials
import SecureLink

/// One connection on its loop: the session, its lanes, and what comes on them.
///
/// Confined to the loop's thread.
final class ConnectionDriver {
    let session: PeerSession
    let connection: Connection
    unowned let room: Room
    /// What brings the session back at its client; `nil` at a server, where it waits.
    private let reattaching: Reattaching?
    private var lanes: [LaneName: Lane] = [:]
    private var finishing: (reason: String, failure: SallyportError, lanes: Int)?
    private var whenClosed: [() -> Void] = []
    private var deadline: LoopTimer?
    /// The error that the connection ends with, where the session's own end would not tell.
    private var failure: SallyportError?
    /// What is told of the connection; set by who has made it.
    var observer: (any ConnectionObserver)?
    /// Long payloads that are being received: how many bytes were announced.
    var announcedBytes = 0
    /// Those that wait for others to be through.
    var postponed: [LongReceiver] = []
    /// Streams of bytes, by a number of their own.
    var byteStreams: [UInt64: ByteStreamEnd] = [:]
    var nextByteStream: UInt64 = 0
    /// Those that are being received.
    var admittedReceivers: Set<ObjectIdentifier> = []

    /// Names of the streams that carry items.
    static let packetService = "sallyport.packets"
    static let callService = "sallyport.calls"

    init(_ session: PeerSession, _ connection: Connection, in room: Room, reattaching: Reattaching?) {
        self.session = session
        self.connection = connection
        self.room = room
        self.reattaching = reattaching
        room.drivers[connection.id] = self
    }

    /// Whether the session is the client's end.
    private var isClient: Bool { reattaching != nil }

    /// The client's end begins; the server's does when it sees that.
    func begin() {
        open(.packets, Self.packetService, connection.packetOutbox)
        open(.calls, Self.callService, connection.callOutbox)
    }

    private func open(_ name: LaneName, _ service: String, _ outbox: Outbox) {
        let lane = Lane(name, outbox, owner: self)
        lane.stream = session.open(StreamRequest(service: service), for: lane)
        lanes[name] = lane
        lane.stream?.setReady()
    }

    /// The other end has opened a stream that carries items; `nil` when it is not one, or there is one already.
    func accept(_ stream: LinkStream, _ service: String) -> (any StreamEndpoint)? {
        let name: LaneName
        switch service {
        case Self.packetService where !isClient: name = .packets
        case Self.callService: name = .answers
        case LongReceiver.service: return receiveLong(stream)
        default: return acceptBytes(stream, service)
        }
        guard lanes[name] == nil else { return nil }
        let lane = Lane(
            name,
            name == .packets ? connection.packetOutbox : connection.replyOutbox,
            owner: self
        )
        lane.stream = stream
        lanes[name] = lane
        stream.reportTarget(nil)
        stream.setReady()
        if name == .packets {
            open(.calls, Self.callService, connection.callOutbox)
            let name = Payload.text(connection.options.application)
            connection.packetOutbox.sendAtOnce(Item(.welcome, number: 0, payload: name))
            observer?.connectionBegan(connection)
        }
        return lane
    }

    /// There is something in a lane's outbox.
    func wake(_ name: LaneName) {
        lanes[name]?.stream?.setReady()
        if name != .answers, connection.calls.count > 0 { room.watchCalls() }
    }

    /// So many bytes of a lane have been taken by those whom they are for.
    func consumed(_ count: Int, of name: LaneName) {
        lanes[name]?.stream?.consumed(count)
    }

    /// Gives up on requests whose time is over.
    ///
    /// - Returns: whether others wait.
    func expireCalls() -> Bool {
        for number in connection.calls.expire(at: room.loop.now) {
            connection.callOutbox.sendAtOnce(Item(.cancel, number: number))
        }
        return connection.calls.count > 0
    }
}

/// Who wants to know of connections.
protocol ConnectionObserver: AnyObject {
    func connectionBegan(_ connection: Connection)
    func connection(_ connection: Connection, lostLink reason: String)
    func connectionResumed(_ connection: Connection)
    func connection(_ connection: Connection, ended failure: SallyportError)
}

// MARK: - What comes

extension ConnectionDriver: LaneOwner {
    func lane(_ lane: Lane, received item: Item, size: Int) {
        received(item, size: size, on: lane.name)
    }

    /// An item has come, on a lane or beside them; `size` bytes of the lane's window are to be given back one day.
    func received(_ item: Item, size: Int, on name: LaneName) {
        switch (name, item.kind) {
        case (.packets, .packet), (.packets, .confirmedPacket): receivedPacket(item, size)
        case (.answers, .request): receivedRequest(item, size)
        case (.calls, .reply), (.calls, .failure):
            consumed(size, of: .calls)
            connection.calls.answered(item)
        case (.answers, .cancel):
            consumed(size, of: .answers)
            connection.requestRunner.cancel(item.number)
        case (.packets, .welcome) where isClient:
            consumed(size, of: .packets)
            observer?.connectionBegan(connection)
        case (.packets, _), (.answers, _), (.calls, _):
            violated("an item of kind \(item.kind.rawValue) where it has no place")
        }
    }

    private func receivedPacket(_ item: Item, _ size: Int) {
        let packet = Packet(item, connection)
        if let handler = connection.local[item.action] {
            if item.kind == .confirmedPacket { confirm(item.number) }
            let connection = connection
            connection.packetRunner.add(
                HandlerRunner.Work(number: item.number, size: size) {
                    _ = try? await handler(packet, connection)
                }
            )
            return
        }
        switch connection.inbox.put(packet, size: size) {
        case .taken: if item.kind == .confirmedPacket { confirm(item.number) }
        case .refused:
            guard item.kind == .confirmedPacket else { return }
            let error = SallyportError(.refused, "the other end's inbox is full")
            connection.replyOutbox.sendAtOnce(.failure(error, to: item.number))
        }
    }

    private func confirm(_ number: UInt64) {
        connection.replyOutbox.sendAtOnce(Item(.reply, number: number))
    }

    private func receivedRequest(_ item: Item, _ size: Int) {
        guard let handler = connection.local[item.action] else {
            consumed(size, of: .answers)
            let error = SallyportError(.unknownAction, "no handler for `\(item.action)`")
            connection.replyOutbox.sendAtOnce(.failure(error, to: item.number))
            return
        }
        let packet = Packet(item, connection)
        let connection = connection
        connection.requestRunner.add(
            HandlerRunner.Work(number: item.number, size: size) {
                await connection.answer(packet, with: handler)
            }
        )
    }

    func lane(_ lane: Lane, broke fault: ItemFault) {
        violated("an item that cannot be read: \(fault.part)")
    }

    /// The other end does not keep to MESSAGING.md: it is told, and the connection is over.
    func violated(_ text: String) {
        failure = failure ?? SallyportError(.malformed, "the other end sent \(text)")
        session.closeAtOnce("this end did not understand \(text)")
    }

    func laneEnded(_ lane: Lane, _ failure: StreamFailure?) {
        switch failure {
        case nil:
            // The other end says no more: it is about to close.
            lane.stream?.setReady()
        case .noService, .forbidden:
            self.failure = SallyportError(.incompatible, "what answers there does not take messages")
            session.closeAtOnce()
        case .some(let failure):
            self.failure = SallyportError(.closed, "a stream of the connection was reset: \(failure.name)")
            session.closeAtOnce()
        }
    }
}

extension Connection {
    /// Has a request answered.
    fileprivate func answer(_ packet: Packet, with handler: Handler) async {
        let item: Item
        do {
            let payload = try await handler(packet, self)
            if payload.bytes.count > options.longestPayload {
                throw SallyportError(.tooLarge, "the answer has \(payload.bytes.count) bytes")
            }
            item = Item(.reply, number: packet.number, payload: payload)
        } catch let error as SallyportError {
            item = .failure(error, to: packet.number)
        } catch {
            item = .failure(SallyportError(.handlerFailed, "the handler has failed"), to: packet.number)
        }
        try? await post(item, by: replyOutbox)
    }
}

extension Packet {
    init(_ item: Item, _ connection: Connection) {
        self.init(
            action: item.action,
            payload: item.payload,
            created: Date(timeIntervalSince1970: Double(item.created) / 1e6),
            number: item.number,
            sender: connection.user,
            token: connection.token
        )
    }
}

// MARK: - The end

extension ConnectionDriver {
    /// Closes in an orderly way: what was sent goes first.
    func close(_ reason: String, _ failure: SallyportError, _ closed: @escaping () -> Void) {
        whenClosed.append(closed)
        guard finishing == nil else { return }
        self.failure = self.failure ?? failure
        finishing = (reason, failure, lanes.count)
        let timer = LoopTimer(room.loop) { [unowned self] in session.closeAtOnce(reason) }
        timer.schedule(after: connection.options.closeTimeout)
        deadline = timer
        for outbox in [connection.packetOutbox, connection.callOutbox, connection.replyOutbox] {
            outbox.finish(failure)
        }
        if lanes.isEmpty { session.close(reason) }
    }

    func laneFinished(_ lane: Lane) {
        guard var finishing else { return }
        finishing.lanes -= 1
        self.finishing = finishing
        guard finishing.lanes == 0 else { return }
        // Not from within the session's own call.
        connection.loop.perform { [id = connection.id, reason = finishing.reason] in
            $0.drivers[id]?.session.close(reason)
        }
    }

    func lane(_ lane: Lane, sessionEnded reason: SessionEndReason) {}

    /// The session is over.
    func ended(_ reason: SessionEndReason) {
        deadline?.cancel()
        room.drivers[connection.id] = nil
        let failure = failure ?? SallyportError(reason)
        connection.ended(failure)
        for closed in whenClosed { closed() }
        whenClosed = []
        observer?.connection(connection, ended: failure)
    }
}

extension ConnectionDriver: PeerSessionOwner {
    func session(
        _ session: PeerSession,
        opened stream: LinkStream,
        for request: StreamRequest
    ) -> (any StreamEndpoint)? {
        if let endpoint = accept(stream, request.service) { return endpoint }
        stream.reportTarget(.noService)
        stream.reset(.noService)
        stream.release()
        return nil
    }

    func sessionGoesAway(_ session: PeerSession) {}

    func session(_ session: PeerSession, ended reason: SessionEndReason) {
        ended(reason)
    }

    func session(_ session: PeerSession, detached reason: SessionEndReason) {
        observer?.connection(connection, lostLink: reason.text)
        reattaching?.begin()
    }

    func session(_ session: PeerSession, reattached reattachment: PeerSession.Reattachment) {
        observer?.connectionResumed(connection)
    }

    func session(_ session: PeerSession, measured roundTrip: Duration) {}
}
