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
    private struct State {
        var bytes: [UInt8] = []
        var head = 0
        var isAtEnd = false
        var failure: SallyportError?
        var waiting: (id: UInt64, continuation: CheckedContinuation<Bool, Never>)?
        var nextWaiter: UInt64 = 0

        var count: Int { bytes.count - head }
    }

    /// What is kept of a buffer that is empty.
    private static let keptCapacity = 16 << 10

    /// What it was opened for.
    public let service: String
    let id: UInt64
    let outbox: Outbox
    private let connection: Connection
    private let state = Mutex(State())

    init(_ id: UInt64, _ service: String, _ connection: Connection) {
        self.id = id
        self.service = service
        self.connection = connection
        let owner = connection.id
        let wake: @Sendable (Room) -> Void = { $0.drivers[owner]?.byteStreams[id]?.wake() }
        outbox = Outbox { [loop = connection.loop] in loop.perform(wake) }
    }

    deinit {
        let (owner, id, unread) = (connection.id, id, state.withLock { $0.count })
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
        while true {
            let (bytes, isAtEnd, failure) = state.withLock { state -> ([UInt8], Bool, SallyportError?) in
                let count = min(max(1, most), state.count)
                guard count > 0 else { return ([], state.isAtEnd, state.failure) }
                let bytes = Array(state.bytes[state.head..<state.head + count])
                state.head += count
                if state.count == 0 {
                    state.bytes.removeAll(keepingCapacity: state.bytes.capacity <= Self.keptCapacity)
                    state.head = 0
                }
                return (bytes, false, nil)
            }
            if !bytes.isEmpty {
                let (owner, id, count) = (connection.id, id, bytes.count)
                connection.loop.perform { $0.drivers[owner]?.byteStreams[id]?.consumed(count) }
                return bytes
            }
            if isAtEnd { return nil }
            if let failure { throw failure }
            try await waitForBytes()
        }
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

    private func waitForBytes() async throws(SallyportError) {
        let id = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        let isSecond = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let (waits, isSecond) = state.withLock { state in
                    guard state.count == 0, !state.isAtEnd, state.failure == nil, !Task.isCancelled
                    else { return (false, false) }
                    guard state.waiting == nil else { return (false, true) }
                    state.waiting = (id, continuation)
                    return (true, false)
                }
                if !waits { continuation.resume(returning: isSecond) }
            }
        } onCancel: {
            let waiting = state.withLock { state -> CheckedContinuation<Bool, Never>? in
                guard state.waiting?.id == id else { return nil }
                defer { state.waiting = nil }
                return state.waiting?.continuation
            }
            waiting?.resume(returning: false)
        }
        if isSecond { throw SallyportError(.invalidArgument, "another task reads this stream") }
        if Task.isCancelled { throw .cancelled }
    }

    /// Answers with all that it is told.
    public static let echo: @Sendable (ByteStream, Connection) async throws -> Void = { stream, _ in
        while let bytes = try await stream.read() { try await stream.write(bytes) }
    }
}

// MARK: - What the loop tells

extension ByteStream {
    func arrived(_ bytes: UnsafeRawBufferPointer) {
        change { state in
            if state.head > 1 << 20 {
                state.bytes.removeFirst(state.head)
                state.head = 0
            }
            state.bytes.append(contentsOf: bytes)
        }
    }

    func ended() {
        change { $0.isAtEnd = true }
    }

    func failed(_ failure: SallyportError) {
        change { $0.failure = $0.failure ?? failure }
        outbox.fail(failure)
    }

    private func change(_ body: (inout State) -> Void) {
        let waiting = state.withLock { state in
            body(&state)
            defer { state.waiting = nil }
            return state.waiting?.continuation
        }
        waiting?.resume(returning: false)
    }
}

extension Connection {
    /// Opens a stream of bytes for a service of the other end, 1 to 64 bytes of name; bytes may follow at once.
    ///
    /// That there is no such service is told by the first read. Throws ``SallyportError/Code/invalidArgument``,
    /// ``SallyportError/Code/refused`` when there are too many streams, or why the connection is over.
    public func openStream(_ service: String) async throws(SallyportError) -> ByteStream {
        if let endReason { throw endReason }
        guard (1...64).contains(service.utf8.count), !service.hasPrefix("sallyport.") else {
            throw SallyportError(
                .invalidArgument,
                "the name of a service has 1 to 64 bytes and does not begin with `sallyport.`"
            )
        }
        let result: Result<ByteStream, SallyportError> = await withCheckedContinuation { continuation in
            loop.perform { [id] room in
                guard let driver = room.drivers[id] else {
                    continuation.resume(
                        returning: .failure(SallyportError(.closed, "the connection is over"))
                    )
                    return
                }
                continuation.resume(returning: driver.openBytes(service))
            }
        }
        return try result.get()
    }
}
