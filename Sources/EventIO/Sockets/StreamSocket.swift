package import Basics
import Platform
import SystemPackage

/// Learns what happens to a socket.
///
/// Called on the loop's thread.
package protocol StreamSocketHandler: AnyObject {
    /// There may be bytes to read, or their end, or a failure: ``StreamSocket/read(into:)`` tells which.
    func socketReadable(_ socket: StreamSocket)
    /// The socket takes bytes again, after it did not; or it is connected.
    func socketWritable(_ socket: StreamSocket)
    /// The connection is broken, whether or not anybody was reading.
    func socketBroken(_ socket: StreamSocket, _ failure: SystemFailure)
}

/// A connected stream socket, TCP or Unix, that never blocks.
///
/// The handler is told of each change once. The socket remembers what it told, so reading and writing are tried when they may
/// work, and a pause costs nothing. Confined to its loop's thread. Its owner closes it; if it is freed before, it closes
/// itself.
package final class StreamSocket: PollSource {
    /// The owner, which closes the socket before it is freed itself.
    ///
    /// Not weak: a weak reference would make every retain and release of the owner, at every event, a slow one.
    package unowned var handler: (any StreamSocketHandler)?
    // Private, and read through the accessors below: the compiler then knows every access, and checks none of them at run time.
    private var mayRead = true
    private var mayWrite = true
    private var hasEnding = false
    /// Whether the handler was told that the socket is readable, and has not found out that it is not.
    private var isToldReadable = false
    private var isConnecting = false
    private var smallWrites = SmallWrites.leave
    private let loop: EventLoop

    /// Whether reading may give something: bytes, their end, or a failure.
    package var isReadable: Bool { mayRead }
    /// Whether writing may work.
    package var isWritable: Bool { mayWrite }

    /// Whether the system sends small writes at once.
    ///
    /// The system holds back only what follows something unacknowledged, so a connection on which one thing is written need
    /// not be told: one system call less for each.
    private enum SmallWrites {
        /// Always.
        case leave
        /// The first one; the system has to be told before the second.
        case firstLeaves
        /// The first one has left, and the next one is the second.
        case nextWouldWait
    }

    /// The result of a read.
    package enum ReadResult {
        /// So many bytes.
        case bytes(Int)
        /// Nothing now.
        case nothing
        /// Nothing ever: the other side has ended its direction.
        case end
        /// The connection is broken.
        case failed(SystemFailure)
    }

    /// The result of a write.
    package enum WriteResult {
        /// The system took so many bytes: perhaps not all, perhaps none.
        case took(Int)
        /// The connection is broken.
        case failed(SystemFailure)
    }

    /// Takes over a descriptor that does not block.
    init(adopting descriptor: Int32, loop: EventLoop) {
        self.loop = loop
        super.init(descriptor)
    }

    deinit {
        close()
    }

    /// Begins to connect to an address.
    ///
    /// Unless ``isConnected`` is true on return, ``StreamSocketHandler/socketWritable(_:)`` tells that the socket is connected,
    /// or ``StreamSocketHandler/socketBroken(_:_:)`` why not.
    package static func connect(
        to address: SocketAddress,
        loop: EventLoop,
        handler: any StreamSocketHandler
    ) throws(SystemFailure) -> StreamSocket {
        let descriptor = try SystemFailure.catching("socket", address.description) { () throws(Errno) in
            try SystemSocket.stream(family: address.family)
        }
        let result = StreamSocket(adopting: descriptor, loop: loop)
        if !address.isUnix {
            result.smallWrites = .firstLeaves
            SocketOptions.anyPort(descriptor)
        }
        if address.isLoopback { SocketOptions.unpaced(descriptor) }
        switch result.beginConnecting(to: address) {
        case 0: break
        case EINPROGRESS:
            result.isConnecting = true
            result.mayRead = false
            result.mayWrite = false
        case let code: throw SystemFailure("connect", address.description, code: code)
        }
        try result.start(handler)
        return result
    }

    /// Returns 0, `EINPROGRESS`, or the error number of a refusal.
    private func beginConnecting(to address: SocketAddress) -> Int32 {
        let code = address.withSystemAddress { Platform.connect(descriptor, $0, $1) == 0 ? 0 : errno }
        guard code == EINPROGRESS, address.isLoopback else { return code }
        // Within the machine the connection is made by the time the call returns. Asking for it is one system call; waiting for
        // it would be six and a turn.
        let outcome = address.withSystemAddress { Platform.connect(descriptor, $0, $1) == 0 ? 0 : errno }
        switch outcome {
        case EISCONN: return 0
        case EALREADY: return EINPROGRESS
        default: return outcome
        }
    }

    /// Registers the socket with its loop: from now on the handler is called.
    package func start(_ handler: any StreamSocketHandler) throws(SystemFailure) {
        self.handler = handler
        try loop.sockets.add(self, [.readable, .writable, .ended])
    }

    /// Whether connecting has succeeded.
    package var isConnected: Bool { !isConnecting }

    /// Whether ``close()`` was called.
    package var isClosed: Bool { descriptor < 0 }

    // MARK: What the loop tells

    override var known: PollEvents {
        var events: PollEvents = []
        // A socket that is readable for all we know, but was not told so, has to be told.
        if isToldReadable { events.insert(.readable) }
        if mayWrite { events.insert(.writable) }
        if hasEnding { events.insert(.ended) }
        return events
    }

    override var needsFailures: Bool { true }

    override func ready(_ events: PollEvents) {
        // A peer that accepts may send at once: its bytes come with the same event as the connection.
        if isConnecting, !finishConnecting(events) { return }
        if !events.isDisjoint(with: [.ended, .failed]) { hasEnding = true }
        if events.contains(.failed), let failure = pendingFailure("connection") {
            mayRead = true
            isToldReadable = true
            handler?.socketBroken(self, failure)
            return
        }
        // A handler may close the socket.
        if !events.isDisjoint(with: [.readable, .ended, .failed]), !isToldReadable || events != .readable {
            mayRead = true
            isToldReadable = true
            handler?.socketReadable(self)
        }
        if !events.isDisjoint(with: [.writable, .failed]), descriptor >= 0, !mayWrite {
            mayWrite = true
            handler?.socketWritable(self)
        }
    }

    override func watchingFailed(_ code: Int32) {
        isConnecting = false
        mayRead = true
        isToldReadable = true
        handler?.socketBroken(self, SystemFailure("watch", code: code))
    }

    /// Tells how connecting went.
    ///
    /// - Returns: whether the socket is connected, and its owner has not closed it.
    private func finishConnecting(_ events: PollEvents) -> Bool {
        isConnecting = false
        if events.contains(.failed), let failure = pendingFailure("connect") {
            handler?.socketBroken(self, failure)
            return false
        }
        mayRead = true
        mayWrite = true
        handler?.socketWritable(self)
        return descriptor >= 0
    }

    private func pendingFailure(_ operation: String) -> SystemFailure? {
        let code = SocketOptions.takeError(descriptor)
        return code == 0 ? nil : SystemFailure(operation, code: code)
    }
}

// MARK: - Reading

extension StreamSocket {
    /// Reads once, as much as there is and fits.
    package func read(into segments: UnsafeMutableBufferPointer<MemorySegment>) -> ReadResult {
        guard mayRead, let first = segments.first else { return .nothing }
        let wanted = segments.reduce(0) { $0 + $1.count }
        let count: Int
        if segments.count == 1 {
            count = Platform.read(descriptor, first.base, first.count)
        } else {
            count = segments.withMemoryRebound(to: iovec.self) {
                readv(descriptor, $0.baseAddress, Int32($0.count))
            }
        }
        if count > 0 {
            // A short read has emptied the socket, and what comes later is told. Only the end is not told again.
            if count < wanted, !hasEnding { awaitReadable() }
            loop.turnBytes &+= count
            return .bytes(count)
        }
        guard count < 0 else { return .end }
        switch errno {
        case EAGAIN, EWOULDBLOCK:
            awaitReadable()
            return .nothing
        case EINTR: return .nothing
        default: return .failed(SystemFailure("read", code: errno))
        }
    }

    /// Reads once into one run of memory.
    package func read(into bytes: UnsafeMutableRawBufferPointer) -> ReadResult {
        var segment = MemorySegment(base: bytes.baseAddress, count: bytes.count)
        return withUnsafeMutablePointer(to: &segment) {
            read(into: UnsafeMutableBufferPointer(start: $0, count: 1))
        }
    }

    private func awaitReadable() {
        mayRead = false
        isToldReadable = false
        loop.sockets.used(.readable, of: self)
    }
}

// MARK: - Writing

extension StreamSocket {
    /// Writes once, as much as the system takes.
    package func write(_ segments: UnsafeMutableBufferPointer<MemorySegment>) -> WriteResult {
        guard mayWrite else { return .took(0) }
        if smallWrites != .leave { sendAtOnce() }
        let wanted = segments.reduce(0) { $0 + $1.count }
        let count = segments.withMemoryRebound(to: iovec.self) {
            SystemSocket.send(descriptor, $0.baseAddress, count: Int32($0.count))
        }
        if count >= 0 {
            if count < wanted { awaitWritable() }
            return .took(count)
        }
        switch Int32(-count) {
        case EAGAIN, EWOULDBLOCK:
            awaitWritable()
            return .took(0)
        case EINTR, ENOBUFS: return .took(0)
        case let code: return .failed(SystemFailure("write", code: code))
        }
    }

    /// Writes one run of memory once.
    package func write(_ bytes: UnsafeRawBufferPointer) -> WriteResult {
        var segment = MemorySegment(reading: bytes)
        return withUnsafeMutablePointer(to: &segment) {
            write(UnsafeMutableBufferPointer(start: $0, count: 1))
        }
    }

    private func sendAtOnce() {
        if smallWrites == .nextWouldWait { SocketOptions.noDelay(descriptor) }
        smallWrites = smallWrites == .firstLeaves ? .nextWouldWait : .leave
    }

    private func awaitWritable() {
        mayWrite = false
        loop.sockets.used(.writable, of: self)
    }

    /// Ends our direction: the other side reads the end after everything that was written.
    package func shutdownWriting() {
        guard descriptor >= 0 else { return }
        shutdown(descriptor, Int32(SHUT_WR))
    }
}

// MARK: - Closing

extension StreamSocket {
    /// Closes in the ordinary way: what was written still leaves, then the end.
    package func close() {
        guard descriptor >= 0 else { return }
        loop.sockets.remove(self)
        closeDescriptor()
    }

    /// Closes with a reset, so that the other side knows that something went wrong.
    ///
    /// A Unix socket has no reset: it is closed in the ordinary way.
    package func closeWithReset() {
        guard descriptor >= 0 else { return }
        SocketOptions.resetOnClose(descriptor)
        close()
    }

    /// Gives the descriptor away: this socket is as if closed, but the connection lives on.
    func release() -> Int32 {
        loop.sockets.remove(self)
        return giveAwayDescriptor()
    }

    /// Whether the system still has a route from this connection's own address to that one.
    ///
    /// Nothing is sent for it. Where the system does not tell, the answer is yes.
    package func hasRoute(to remote: SocketAddress) -> Bool {
        guard let local = SocketAddress(localOf: descriptor),
            let probe = try? SystemSocket.datagram(family: local.family)
        else { return true }
        defer { Platform.close(probe) }
        guard local.withAnyPort.withSystemAddress({ bind(probe, $0, $1) }) == 0 else {
            return errno != EADDRNOTAVAIL
        }
        guard remote.withSystemAddress({ Platform.connect(probe, $0, $1) }) == 0 else {
            return ![ENETUNREACH, EHOSTUNREACH, ENETDOWN, EADDRNOTAVAIL].contains(errno)
        }
        return true
    }
}
