import SecureLink

/// A long payload that a handler reads while it arrives; only the bytes that the handler has not read are held.
///
/// Confined to its loop's thread.
final class ChunkIntake {
    private let stream: LinkStream
    private let inbox: ByteInbox
    /// The announced number of bytes, and the number that has arrived.
    private let count: Int
    private var arrivedCount = 0
    /// The number of received bytes that were not read; while there are any, the stream counts against the other end's limit.
    private var unread = 0
    private var isComplete = false
    private var isHandled = false
    /// Whether the sender has reset the stream; the stream still counts until the handler returns.
    private var isGivenUp = false
    /// Called once, when the whole payload has arrived.
    private var arrived: (() -> Void)?
    /// Called once, when the payload is over: the stream was released or has failed.
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

    /// Takes bytes of the payload that have arrived.
    ///
    /// - Returns: `false` if there are more bytes than announced.
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

    /// Handles the end of the stream.
    ///
    /// - Returns: `false` if there were fewer bytes than announced.
    func receiveEnd() -> Bool {
        guard arrivedCount == count else { return false }
        isComplete = true
        if !isHandled { inbox.ended() }
        arrived?()
        arrived = nil
        leaveIfOver()
        return true
    }

    /// Handles that the sender has reset the stream.
    func givenUp(_ failure: SallyportError) {
        inbox.dropped(failure)
        isGivenUp = true
        unread = 0
        leaveIfOver()
    }

    /// Returns credit for bytes that the handler has read.
    func taken(_ bytes: Int) {
        // A task that goes on reading after the handler has returned gets no bytes and returns no credit.
        guard !isHandled, !isGivenUp else { return }
        unread -= bytes
        stream.consumed(bytes)
        leaveIfOver()
    }

    /// Handles that the handler has returned; bytes that arrive later are discarded.
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

    /// Ends the payload with an error.
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
    /// Starts the handler of an item whose payload arrives in chunks; returns `nil` if the item has no such handler.
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
        let inbox = ByteInbox { connection.loop.perform(.intake(id, of: owner, .taken($0))) }
        // A confirmed packet is confirmed when the whole payload has arrived, even if the handler has not read all of it.
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
                connection.loop.perform(.intake(id, of: owner, .handled))
            }
        )
        return intake
    }
}
