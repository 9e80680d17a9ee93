extension Connection {
    /// Takes the next packet from the inbox; waits until there is one.
    ///
    /// Throws ``SallyportError/Code/tooLarge`` if the payload has more than `maximumSize` bytes (the packet is then discarded),
    /// and the errors of ``Inbox/next(timeout:)``.
    public func receive(
        maximumSize: Int = .max,
        timeout: Duration? = nil
    ) async throws(SallyportError) -> Packet {
        let packet = try await inbox.next(timeout: timeout)
        guard packet.payload.bytes.count <= maximumSize else {
            throw SallyportError(
                .tooLarge,
                "a payload of \(packet.payload.bytes.count) bytes; \(maximumSize) are wanted"
            )
        }
        return packet
    }

    /// Answers the next request about `action`, and returns that request.
    ///
    /// The call replaces the connection's own handler for the action. When it returns, the connection has no handler of its own
    /// for the action any more. Throws ``SallyportError/Code/timeout``, ``SallyportError/Code/cancelled``, or the reason why the
    /// connection is over.
    @discardableResult
    public func answerNext(
        _ action: String,
        timeout: Duration? = nil,
        with answer: @escaping @Sendable (Packet) async throws -> Payload
    ) async throws(SallyportError) -> Packet {
        let taken = Inbox(.wait) { _ in }
        let isTaken = Flag()
        let handler = Handler(isSerial: false) { packet, _ in
            guard isTaken.raise() else {
                throw SallyportError(.unknownAction, "no handler for `\(packet.action)`")
            }
            _ = taken.put(packet, .none)
            return try await answer(packet)
        }
        handlers.handlers.set([action], handler)
        defer { removeHandlers(action) }
        let id = whenEnded { taken.end($0) }
        defer { forget(id) }
        return try await taken.next(timeout: timeout)
    }
}
