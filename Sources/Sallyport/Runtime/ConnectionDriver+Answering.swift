import FoundationEssentials
import SecureLink

// Dispatch of packets and requests to their handlers, and sending of the answers.

extension ConnectionDriver {
    func receivedPacket(_ item: Item, _ charge: HeldCredit) {
        let packet = Packet(item, connection)
        let (connection, credit) = (connection, connection.credit)
        if let handler = connection.local[item.action] {
            if let body = handler.atOnce {
                release(charge)
                if item.kind == .confirmedPacket { replyHere(Item(.reply, number: item.number)) }
                _ = try? body(packet, connection)
                return
            }
            let isConfirmed = item.kind == .confirmedPacket
            // Handlers of chunks run separately, so that packets do not wait for them.
            (handler.takesChunks ? connection.chunkRunner : connection.packetRunner).add(
                HandlerRunner.Work(number: item.number) {
                    if isConfirmed { connection.reply(Item(.reply, number: packet.number)) }
                    _ = try? await handler(packet, connection)
                } ended: {
                    credit.add(charge)
                }
            )
            return
        }
        switch connection.inbox.put(packet, charge) {
        case .taken:
            if item.kind == .confirmedPacket { connection.reply(Item(.reply, number: item.number)) }
        case .refused:
            release(charge)
            guard item.kind == .confirmedPacket else { return }
            let error = SallyportError(.refused, "the other end's inbox is full")
            connection.reply(.failure(error, to: item.number))
        }
    }

    func receivedRequest(_ item: Item, _ charge: HeldCredit) {
        guard let handler = connection.local[item.action] else {
            release(charge)
            let error = SallyportError(.unknownAction, "no handler for `\(item.action)`")
            connection.reply(.failure(error, to: item.number))
            return
        }
        let packet = Packet(item, connection)
        if let body = handler.atOnce {
            release(charge)
            let result = Result { try body(packet, self.connection) }
            replyHere(self.connection.answer(to: packet, by: result))
            return
        }
        let (connection, credit) = (connection, connection.credit)
        let runner =
            handler.takesChunks
            ? connection.chunkRequestRunner
            : handler.isSerial ? connection.packetRunner : connection.requestRunner
        runner.add(
            HandlerRunner.Work(number: item.number) {
                await connection.answer(packet) { try await handler(packet, connection) }
            } ended: {
                credit.add(charge)
            }
        )
    }

    /// Sends an answer from the loop's own thread.
    private func replyHere(_ item: Item) {
        var item = item
        if item.payload.bytes.count > Item.maxPayload {
            // The loop cannot wait until a long answer is taken, so any number of them could accumulate.
            let text = "an answer at once has at most \(Item.maxPayload) bytes"
            item = .failure(SallyportError(.tooLarge, text), to: item.number)
        }
        let (count, isFirst) = connection.replyOutbox.sendOnLoop(item)
        if isFirst { wake(.answers) }
        if count > connection.maxUnreadAnswers { closeUnread() }
    }

    /// Closes the connection of an end that does not read its answers.
    func closeUnread() {
        let failure = SallyportError(.refused, "the other end does not read its answers")
        breakOff(failure, "answers were not read")
    }
}

extension Connection {
    /// The maximum number of answer bytes that wait for an end that does not read them.
    ///
    /// Larger: more memory for such an end. Smaller: the connection of an end that is only slow is closed.
    fileprivate var maxUnreadAnswers: Int { 4 * options.clampedWindow }

    /// Sends a short answer; closes the connection if the other end does not read its answers.
    func reply(_ item: Item) {
        guard replyOutbox.sendAtOnce(item) > maxUnreadAnswers else { return }
        loop.perform(.connection(id, .closeUnread))
    }

    /// Makes the answer to a packet from its handler's result.
    fileprivate func answer(to packet: Packet, by result: Result<Payload, any Error>) -> Item {
        do {
            let payload = try result.get()
            if payload.bytes.count > options.maxPayload {
                throw SallyportError(.tooLarge, "the answer has \(payload.bytes.count) bytes")
            }
            return Item(.reply, number: packet.number, payload: payload)
        } catch let error as SallyportError {
            return .failure(error, to: packet.number)
        } catch {
            return .failure(SallyportError(.handlerFailed, "the handler has failed"), to: packet.number)
        }
    }

    /// Runs the handler of a request and sends the answer.
    func answer(_ packet: Packet, with handler: () async throws -> Payload) async {
        let result: Result<Payload, any Error>
        do { result = .success(try await handler()) } catch { result = .failure(error) }
        let item = answer(to: packet, by: result)
        do throws(SallyportError) { try await post(item, by: replyOutbox) } catch {
            // If a long answer cannot be sent, the other end still gets a failure.
            if item.payload.bytes.count > Item.maxPayload { reply(.failure(error, to: packet.number)) }
        }
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
