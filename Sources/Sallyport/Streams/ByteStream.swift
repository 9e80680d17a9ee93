import Synchronization

/// A stream of bytes both ways beside all else on a connection, each direction with an end of its own.
///
/// ```swift
/// server.serve("echo", with: ByteStream.echo)
/// let stream = try await connection.openStream("echo")
/// try await stream.write(Array("hello".utf8))
/// stream.finish()
/// while let bytes = try await stream.read() { … }
/// ```
/// One task may write while another reads. Freed before our direction is finished, it is reset; after that, what was written
/// still goes, and what comes is thrown away.
public final class ByteStream: Sendable {
    /// What it was opened for.
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
        let wake: @Sendable (LoopContext) -> Void = { $0.drivers[owner]?.byteStreams[id]?.wake() }
        let loop = connection.loop
        outbox = Outbox { loop.perform(wake) }
        inbox = ByteInbox { count in loop.perform { $0.drivers[owner]?.byteStreams[id]?.consumed(count) } }
    }

    deinit {
        let (owner, id, unread) = (connection.id, id, inbox.unread)
        connection.loop.perform { $0.drivers[owner]?.byteStreams[id]?.abandon(unread: unread) }
    }

    /// Writes bytes; returns when they are on their way, and waits while the other end takes none.
    ///
    /// Throws ``SallyportError/Code/closed``, ``SallyportError/Code/noService``, ``SallyportError/Code/linkLost`` or
    /// ``SallyportError/Code/cancelled``; then some of the bytes may have been written.
    public func write(_ bytes: [UInt8]) async throws(SallyportError) {
        guard !bytes.isEmpty else { return }
        try await outbox.write(bytes)
    }

    /// Ends our direction: the other end reads the end after all that was written.
    public func finish() {
        outbox.finish(SallyportError(.closed, "this direction of the stream is finished"))
    }

    /// Ends both directions at once; what is under way may be lost.
    public func reset() {
        let (owner, id) = (connection.id, id)
        connection.loop.perform { $0.drivers[owner]?.byteStreams[id]?.reset() }
    }

    /// Reads what there is, at least one byte and `most` at most, waiting for it; `nil` is the end.
    ///
    /// Throws ``SallyportError/Code/closed`` when the stream was reset, ``SallyportError/Code/noService``,
    /// ``SallyportError/Code/linkLost`` or ``SallyportError/Code/cancelled``. For one task at a time.
    public func read(atMost most: Int = 64 << 10) async throws(SallyportError) -> [UInt8]? {
        try await inbox.read(atMost: most)
    }

    /// Reads to the end; throws ``SallyportError/Code/tooLarge`` when that is more than `most` bytes, and what
    /// ``read(atMost:)`` throws.
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

    /// Answers with all that it is told.
    public static let echo: @Sendable (ByteStream, Connection) async throws -> Void = { stream, _ in
        while let bytes = try await stream.read() { try await stream.write(bytes) }
    }
}

// MARK: - What the loop tells

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

    /// It was reset: what has come and was not read is lost, since the other end's limits do not count it any more.
    func wasReset(_ failure: SallyportError) {
        inbox.dropped(failure)
        outbox.fail(failure)
    }
}

extension Connection {
    /// Opens a stream of bytes for a service of the other end, 1 to 64 bytes of name; bytes may follow at once.
    ///
    /// While there is no link, it waits for one. That there is no such service is told by the first read. Throws
    /// ``SallyportError/Code/invalidArgument``, ``SallyportError/Code/refused`` when there are too many streams,
    /// ``SallyportError/Code/cancelled``, or why the connection is over.
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
                loop.perform { context in
                    guard !isWithdrawn.isRaised, let driver = context.drivers[id] else {
                        let failure = SallyportError(.closed, "the connection is over")
                        continuation.resume(returning: .failure(isWithdrawn.isRaised ? .cancelled : failure))
                        return
                    }
                    driver.openBytes(
                        ConnectionDriver.Opening(number: number, service: service) {
                            continuation.resume(returning: $0)
                        }
                    )
                }
            }
        } onCancel: {
            isWithdrawn.raise()
            loop.perform { $0.drivers[id]?.withdrawOpening(number) }
        }
        return try result.get()
    }
}
