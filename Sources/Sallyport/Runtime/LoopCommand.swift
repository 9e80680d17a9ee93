import EventIO
import SecureLink

/// A command from a task to the thread of a ``MessageLoop``.
///
/// If the object of a command no longer exists when the loop gets the command, the loop ignores it. But if the command has a
/// completion, the loop calls the completion in any case.
enum LoopCommand: Sendable {
    /// For the connection with this number.
    case connection(UInt64, ConnectionCommand)
    /// For the byte stream with the first number, of the connection with the second.
    case byteStream(UInt64, of: UInt64, ByteStreamCommand)
    /// For the intake of chunks with the first number, of the connection with the second.
    case intake(UInt64, of: UInt64, IntakeCommand)
    /// Start an attempt to connect.
    case connect(ConnectRequest)
    /// End the attempt with this number, and report this error.
    case failConnecting(UInt64, SallyportError)
    /// Forget an attempt that has ended.
    case forgetConnecting(UInt64)
    /// For the loop's server.
    case server(ServerCommand)
    /// Start to check deadlines, because a connection has requests that wait for answers.
    case watchCalls
    /// Call a closure with the objects on the thread, for tests and for measuring tools.
    case inspect(@Sendable (LoopContext) -> Void)
    /// End the thread.
    case stop
}

/// A command for a connection.
enum ConnectionCommand: Sendable {
    /// Send, because a message stream's outbox has bytes.
    case wake(StreamName)
    /// Return this credit to the other end, because the application has taken the item that held it.
    case release(HeldCredit)
    /// Close in an orderly way, and call back when the connection is closed.
    case close(reason: String, SallyportError, done: @Sendable () -> Void)
    /// Close immediately, because the other end does not read its answers.
    case closeUnread
    /// Send a long payload on a stream of its own.
    case sendLong(LongSend)
    /// Stop sending a long payload; with `evenIfSent`, also if the session has already taken all of it.
    case withdrawLong(Item.Kind, UInt64, evenIfSent: Bool)
    /// Open a byte stream.
    case open(OpenRequest)
    /// Cancel the opening of the byte stream with this request number.
    case withdrawOpening(UInt64)
}

/// A command for one end of a byte stream.
enum ByteStreamCommand: Sendable {
    case wake
    /// The application took this number of bytes.
    case consumed(Int)
    /// The application has released the stream, with this number of bytes unread.
    case abandon(unread: Int)
    case reset
    /// Forget the stream if both directions have ended.
    case leaveIfOver
}

/// A command for an intake of chunks.
enum IntakeCommand: Sendable {
    /// The handler took this number of bytes.
    case taken(Int)
    /// The handler has returned.
    case handled
}

/// A command for a server.
enum ServerCommand: Sendable {
    case start(ServerStart)
    case accept(DetachedSocket)
    /// Another thread calls a session of this loop, for example to resume it on a new link.
    case session(SessionCall)
    case use(PasswordTable)
    case stopListening
    /// Close all connections, send them this reason, and forget the server.
    case stop(reason: String)
}

/// A long payload to send.
struct LongSend: Sendable {
    let item: Item
    let progress: (@Sendable (TransferProgress) -> Void)?
    /// Raised when the caller gave up before the loop knew the item.
    let isWithdrawn: Flag?
    let sent: @Sendable (SallyportError?) -> Void
}

/// A byte stream to open.
struct OpenRequest: Sendable {
    let number: UInt64
    let service: String
    /// Raised when the caller gave up before the loop knew the request.
    let isWithdrawn: Flag
    let opened: @Sendable (Result<ByteStream, SallyportError>) -> Void
}

/// A connection to make.
struct ConnectRequest: Sendable {
    let way: ConnectAttempt.Way
    let store: CredentialStore
    let options: ConnectionOptions
    let loop: MessageLoop
    let attempt: Attempt
    let handlers: (@Sendable (Connection) -> Void)?
}

/// A server to start.
struct ServerStart: Sendable {
    let bound: [SocketAddress]
    let table: PasswordTable
    let keeper: PasswordKeeper
    let options: ConnectionOptions
    let loop: MessageLoop
    let started: @Sendable (Result<MessageServer, SallyportError>) -> Void
}

// MARK: - On the loop's thread

extension LoopContext {
    /// Carries out a command.
    func perform(_ command: LoopCommand) {
        switch command {
        case .connection(let id, let command): perform(command, on: drivers[id])
        case .byteStream(let id, let owner, let command):
            guard let stream = drivers[owner]?.byteStreams[id] else { return }
            switch command {
            case .wake: stream.wake()
            case .consumed(let count): stream.consumed(count)
            case .abandon(let unread): stream.abandon(unread: unread)
            case .reset: stream.reset()
            case .leaveIfOver: stream.leaveIfOver()
            }
        case .intake(let id, let owner, let command):
            guard let intake = drivers[owner]?.intakes[id] else { return }
            switch command {
            case .taken(let count): intake.taken(count)
            case .handled: intake.handled()
            }
        case .connect(let request): ConnectAttempt(request, in: self).begin()
        case .failConnecting(let id, let failure): dials[id]?.fail(failure)
        case .forgetConnecting(let id): dials[id] = nil
        case .server(let command): perform(command)
        case .watchCalls: watchCalls()
        case .inspect(let look): look(self)
        case .stop: loop.stop()
        }
    }

    private func perform(_ command: ConnectionCommand, on driver: ConnectionDriver?) {
        switch command {
        case .wake(let name): driver?.wake(name)
        case .release(let credit): driver?.release(credit)
        case .close(let reason, let failure, let done):
            if let driver { driver.close(reason, failure, done) } else { done() }
        case .closeUnread: driver?.closeUnread()
        case .sendLong(let send):
            if send.isWithdrawn?.isRaised ?? false {
                send.sent(.cancelled)
            } else if let driver {
                driver.sendLong(send.item, progress: send.progress, send.sent)
            } else {
                send.sent(SallyportError(.closed, "the connection is over"))
            }
        case .withdrawLong(let kind, let number, let evenIfSent):
            driver?.withdrawLong(kind, number, evenIfSent: evenIfSent)
        case .open(let request):
            if request.isWithdrawn.isRaised {
                request.opened(.failure(.cancelled))
            } else if let driver {
                driver.openBytes(request)
            } else {
                request.opened(.failure(SallyportError(.closed, "the connection is over")))
            }
        case .withdrawOpening(let number): driver?.withdrawOpening(number)
        }
    }

    private func perform(_ command: ServerCommand) {
        switch command {
        case .start(let start): start.run(in: self)
        case .accept(let connection):
            if let hub, !hub.isStopped { hub.accept(connection) }
        case .session(let call): _ = hub?.resumable.answer(call)
        case .use(let table): hub?.table = table
        case .stopListening: hub?.stopListening()
        case .stop(let reason):
            hub?.stop(reason)
            hub = nil
        }
    }
}

extension ServerStart {
    fileprivate func run(in context: LoopContext) {
        do throws(SystemFailure) {
            let hub = try ServerHub(bound, table, LinkOptions(options), loop, in: context)
            let server = MessageServer(hub.addresses, keeper, options, loop)
            hub.server = server
            context.hub = hub
            started(.success(server))
        } catch {
            started(.failure(SallyportError(error)))
        }
    }
}
