import Synchronization

/// A byte stream in both directions on a connection, beside its messages; each direction ends separately.
///
/// ```swift
/// server.serve("echo", with: ByteStream.echo)
/// let stream = try await connection.openStream("echo")
/// try await stream.write(Array("hello".utf8))
/// stream.finish()
/// while let bytes = try await stream.read() { … }
/// ```
/// One task may write while another reads. If the application releases the stream before it finishes the outgoing direction, the
/// stream is reset. If it releases the stream later, written bytes are still sent, and received bytes are discarded.
public final class ByteStream: Sendable {
    /// The service that the stream was opened for.
    public let service: String
    let id: UInt64
    let outbox: Outbox
    private let connection: Connection
    private let inbox: ByteInbox

    init(_ id: UInt64, _ service: String, _ connection: Connection) {
        self.id = id
        self.service = service
        self.connection = connection
        let owner = connection.id
        let loop = connection.loop
        outbox = Outbox { loop.perform(.byteStream(id, of: owner, .wake)) }
        inbox = ByteInbox { loop.perform(.byteStream(id, of: owner, .consumed($0))) }
    }

    deinit {
        connection.loop.perform(.byteStream(id, of: connection.id, .abandon(unread: inbox.unread)))
    }

    /// Writes bytes; returns when they are handed over for sending.
    ///
    /// Waits while too many bytes are queued, because the other end does not take them. Throws ``SallyportError/Code/closed``,
    /// ``SallyportError/Code/noService``, ``SallyportError/Code/linkLost`` or ``SallyportError/Code/cancelled``; some of the
    /// bytes may have been written then.
    public func write(_ bytes: [UInt8]) async throws(SallyportError) {
        guard !bytes.isEmpty else { return }
        try await outbox.write(bytes)
    }

    /// Finishes the outgoing direction: the other end reads the end of the stream after all written bytes.
    public func finish() {
        outbox.finish(SallyportError(.closed, "this direction of the stream is finished"))
    }

    /// Ends both directions immediately; bytes in transit may be lost.
    public func reset() {
        connection.loop.perform(.byteStream(id, of: connection.id, .reset))
    }

    /// Reads the available bytes, 1 to `most`; waits until there are some, and returns `nil` at the end of the stream.
    ///
    /// Only one task at a time may read. Throws ``SallyportError/Code/closed`` if the stream was reset,
    /// ``SallyportError/Code/noService``, ``SallyportError/Code/linkLost`` or ``SallyportError/Code/cancelled``.
    public func read(atMost most: Int = 64 << 10) async throws(SallyportError) -> [UInt8]? {
        try await inbox.read(atMost: most)
    }

    /// Reads to the end of the stream.
    ///
    /// Throws ``SallyportError/Code/tooLarge`` if there are more than `most` bytes, and the errors of ``read(atMost:)``.
    public func readToEnd(atMost most: Int = 64 << 20) async throws(SallyportError) -> [UInt8] {
        var all: [UInt8] = []
        while let bytes = try await read() {
            guard all.count + bytes.count <= most else {
                throw SallyportError(.tooLarge, "more than \(most) bytes")
            }
            all += bytes
        }
        return all
    }

    /// A service that sends back all bytes that it receives.
    public static let echo: @Sendable (ByteStream, Connection) async throws -> Void = { stream, _ in
        while let bytes = try await stream.read() { try await stream.write(bytes) }
    }
}

// MARK: - Events from the loop

extension ByteStream {
    func arrived(_ bytes: UnsafeRawBufferPointer) {
        inbox.arrived(bytes)
    }

    func ended() {
        inbox.ended()
    }

    func failed(_ failure: SallyportError) {
        inbox.failed(failure)
        outbox.fail(failure)
    }

    /// Handles a reset: discards unread bytes, because no limit counts them any more.
    func wasReset(_ failure: SallyportError) {
        inbox.dropped(failure)
        outbox.fail(failure)
    }
}

extension Connection {
    /// Opens a byte stream for a service of the other end, whose name has 1 to 64 bytes; bytes may be written immediately.
    ///
    /// While there is no link, the call waits for one. If the other end has no such service, the first read throws
    /// ``SallyportError/Code/noService``. Throws ``SallyportError/Code/invalidArgument``, ``SallyportError/Code/refused`` if
    /// there are too many streams, ``SallyportError/Code/cancelled``, or the reason why the connection is over.
    public func openStream(_ service: String) async throws(SallyportError) -> ByteStream {
        if let endReason { throw endReason }
        guard (1...64).contains(service.utf8.count), !service.hasPrefix("sallyport.") else {
            throw SallyportError(
                .invalidArgument,
                "the name of a service has 1 to 64 bytes and does not begin with `sallyport.`"
            )
        }
        let (loop, id) = (loop, id)
        let isWithdrawn = Flag()
        let number = openings.add(1, ordering: .relaxed).newValue
        let result: Result<ByteStream, SallyportError> = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let request = OpenRequest(number: number, service: service, isWithdrawn: isWithdrawn) {
                    continuation.resume(returning: $0)
                }
                loop.perform(.connection(id, .open(request)))
            }
        } onCancel: {
            isWithdrawn.raise()
            loop.perform(.connection(id, .withdrawOpening(number)))
        }
        return try result.get()
    }
}
