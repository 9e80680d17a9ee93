import SecureLink

/// A long payload that a handler takes while it comes: what the handler has not taken is all that is held of it.
///
/// Confined to its loop's thread.
final class ChunkIntake {
    private let stream: LinkStream
    private let inbox: ByteInbox
    /// How many bytes were announced, and have come.
    private let count: Int
    private var arrivedCount = 0
    /// What came and was not taken: as long as there is any, the other end's limits count the stream.
    private var unread = 0
    private var isComplete = false
    private var isHandled = false
    /// Whether the sender has given it up; its stream counts until the handler is through all the same.
    private var isGivenUp = false
    /// Told once, when all of it is here.
    private var arrived: (() -> Void)?
    /// Called once, when nothing more is to be done for the stream.
    private var left: (() -> Void)?

    init(
        _ stream: LinkStream,
        _ inbox: ByteInbox,
        count: Int,
        arrived: (() -> Void)?,
        left: @escaping () -> Void
    ) {
        self.arrived = arrived
        self.stream = stream
        self.inbox = inbox
        self.count = count
        self.left = left
    }

    /// Bytes of the payload have come.
    ///
    /// - Returns: `false` when they are more than was announced.
    func receive(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard !bytes.isEmpty else { return true }
        guard bytes.count <= count - arrivedCount else { return false }
        arrivedCount += bytes.count
        if isHandled {
            stream.consumed(bytes.count)
        } else {
            unread += bytes.count
            inbox.arrived(bytes)
        }
        return true
    }

    /// The end has come.
    ///
    /// - Returns: `false` when less has come than was announced.
    func receiveEnd() -> Bool {
        guard arrivedCount == count else { return false }
        isComplete = true
        if !isHandled { inbox.ended() }
        arrived?()
        arrived = nil
        leaveIfOver()
        return true
    }

    /// The sender has reset the stream.
    func givenUp(_ failure: SallyportError) {
        inbox.dropped(failure)
        isGivenUp = true
        unread = 0
        leaveIfOver()
    }

    /// The handler has taken so many bytes.
    func taken(_ bytes: Int) {
        // Who reads on when the handler has returned has no part in it any more.
        guard !isHandled, !isGivenUp else { return }
        unread -= bytes
        stream.consumed(bytes)
        leaveIfOver()
    }

    /// The handler is through with it; what else comes is thrown away.
    func handled() {
        guard !isHandled else { return }
        isHandled = true
        inbox.dropped(SallyportError(.closed, "the handler has returned"))
        if unread > 0 { stream.consumed(unread) }
        unread = 0
        leaveIfOver()
    }

    private func leaveIfOver() {
        guard isGivenUp ? isHandled : isComplete && unread == 0, left != nil else { return }
        stream.release()
        leave()
    }

    /// Nothing more will come, and that is no end.
    func failed(_ failure: SallyportError) {
        inbox.failed(failure)
        leave()
    }

    private func leave() {
        left?()
        left = nil
    }
}

extension ConnectionDriver {
    /// Has a payload taken while it comes, if it is for a handler that does so.
    func takeChunks(of item: Item, count: Int, on stream: LinkStream) -> ChunkIntake? {
        switch item.kind {
        case .packet, .confirmedPacket, .request: break
        case .welcome, .reply, .failure, .cancel: return nil
        }
        guard let handler = connection.local[item.action], case .chunks(let body) = handler.body else {
            return nil
        }
        nextIntake += 1
        let (connection, owner, id) = (connection, connection.id, nextIntake)
        let inbox = ByteInbox { count in
            connection.loop.perform { $0.drivers[owner]?.intakes[id]?.taken(count) }
        }
        // A confirmed packet is there when all of it is, whatever its handler has taken by then.
        let confirm = { connection.reply(Item(.reply, number: item.number)) }
        let intake = ChunkIntake(
            stream,
            inbox,
            count: count,
            arrived: item.kind == .confirmedPacket ? confirm : nil,
            left: { [weak self] in self?.intakes[id] = nil }
        )
        intakes[id] = intake
        let packet = Packet(item, connection)
        let incoming = IncomingPacket(packet, byteCount: count, inbox)
        let isRequest = item.kind == .request
        (isRequest ? connection.chunkRequestRunner : connection.chunkRunner).add(
            HandlerRunner.Work(number: item.number) {
                if isRequest {
                    await connection.answer(packet) { try await body(incoming, connection) }
                } else {
                    _ = try? await body(incoming, connection)
                }
            } ended: {
                connection.loop.perform { $0.drivers[owner]?.intakes[id]?.handled() }
            }
        )
        return intake
    }
}
