package import Basics
import Platform
import SystemPackage

/// Receives the events of a socket.
///
/// The socket calls it on the loop's thread.
package protocol StreamSocketHandler: AnyObject {
    /// There may be bytes to read, or their end, or a failure; ``StreamSocket/read(into:)`` returns which.
    func socketReadable(_ socket: StreamSocket)
    /// The socket takes bytes again after its buffer was full, or it is now connected.
    func socketWritable(_ socket: StreamSocket)
    /// The connection is broken; reported even if the owner does not read.
    func socketBroken(_ socket: StreamSocket, _ failure: SystemFailure)
}

/// A connected stream socket, TCP or Unix, that never blocks.
///
/// The socket reports each change to its handler once and remembers the report. The owner therefore tries to read and write only
/// when that may work, and a pause costs nothing. Confined to its loop's thread. The owner closes the socket; otherwise `deinit`
/// does.
package final class StreamSocket: PollSource {
    /// The owner, which must close the socket before the owner itself is freed.
    ///
    /// Not weak: a weak reference would make every retain and release of the owner slow, and each event has some.
    package unowned var handler: (any StreamSocketHandler)?
    // Private, and read through the accessors below: the compiler then sees every access and omits the exclusivity checks.
    private var mayRead = true
    private var mayWrite = true
    private var hasEnding = false
    /// Whether the socket has reported to the handler that it is readable, and no read has emptied it since.
    private var isToldReadable = false
    private var isConnecting = false
    private var smallWrites = SmallWrites.leave
    private let loop: EventLoop

    /// Whether a read may return something: bytes, their end, or a failure.
    package var isReadable: Bool { mayRead }
    /// Whether a write may succeed.
    package var isWritable: Bool { mayWrite }

    /// Whether the system sends small writes at once.
    ///
    /// The system delays a small write only while earlier bytes are unacknowledged (Nagle's algorithm). A connection with a
    /// single write therefore does not need `TCP_NODELAY`, which saves one system call for each connection.
    private enum SmallWrites {
        /// The system sends all writes at once.
        case leave
        /// The system sends the first write at once; before the second, `TCP_NODELAY` must be set.
        case firstLeaves
        /// The first write is done, and the next one is the second.
        case nextWouldWait
    }

    /// The result of a read.
    package enum ReadResult {
        /// The number of bytes read.
        case bytes(Int)
        /// There is nothing to read now.
        case nothing
        /// The end of the stream: the other end has ended its direction.
        case end
        /// The connection is broken.
        case failed(SystemFailure)
    }

    /// The result of a write.
    package enum WriteResult {
        /// The number of bytes that the system took: perhaps not all, perhaps none.
        case took(Int)
        /// The connection is broken.
        case failed(SystemFailure)
    }

    /// Takes ownership of a non-blocking descriptor.
    init(adopting descriptor: Int32, loop: EventLoop) {
        self.loop = loop
        super.init(descriptor)
    }

    deinit {
        close()
    }

    /// Starts connecting to an address.
    ///
    /// If ``isConnected`` is false on return, the socket later calls ``StreamSocketHandler/socketWritable(_:)`` when it is
    /// connected, or ``StreamSocketHandler/socketBroken(_:_:)`` with the reason when connecting fails.
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
        // Over loopback, the connection is complete when the call returns. A second `connect` to find that out is one system
        // call; waiting for the event would cost six and a turn.
        let outcome = address.withSystemAddress { Platform.connect(descriptor, $0, $1) == 0 ? 0 : errno }
        switch outcome {
        case EISCONN: return 0
        case EALREADY: return EINPROGRESS
        default: return outcome
        }
    }

    /// Registers the socket with its loop, which calls the handler from then on.
    package func start(_ handler: any StreamSocketHandler) throws(SystemFailure) {
        self.handler = handler
        try loop.sockets.add(self, [.readable, .writable, .ended])
    }

    /// Whether connecting has succeeded.
    package var isConnected: Bool { !isConnecting }

    /// Whether ``close()`` was called.
    package var isClosed: Bool { descriptor < 0 }

    // MARK: Events from the loop

    override var known: PollEvents {
        var events: PollEvents = []
        // A socket that counts as readable without a report from the loop still needs that report.
        if isToldReadable { events.insert(.readable) }
        if mayWrite { events.insert(.writable) }
        if hasEnding { events.insert(.ended) }
        return events
    }

    override var needsFailures: Bool { true }

    override func ready(_ events: PollEvents) {
        // The other end may send as soon as it accepts: its bytes then arrive in the same event as the connection.
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

    /// Reports the result of connecting to the handler.
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
    /// Reads once: as many bytes as there are and as fit.
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
            // A short read has emptied the socket, and the loop reports later bytes. It does not report the end a second time.
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

    /// Reads once into one contiguous buffer.
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
    /// Writes once: as many bytes as the system takes.
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

    /// Writes once from one contiguous buffer.
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

    /// Half-closes the connection: the other end reads the end of the stream after all bytes that were written.
    package func shutdownWriting() {
        guard descriptor >= 0 else { return }
        shutdown(descriptor, Int32(SHUT_WR))
    }
}

// MARK: - Closing

extension StreamSocket {
    /// Closes in the ordinary way: the system still sends the bytes that were written, then the end of the stream.
    package func close() {
        guard descriptor >= 0 else { return }
        loop.sockets.remove(self)
        closeDescriptor()
    }

    /// Closes with a reset, so that the other end sees a failure.
    ///
    /// A Unix socket has no reset: it is closed in the ordinary way.
    package func closeWithReset() {
        guard descriptor >= 0 else { return }
        SocketOptions.resetOnClose(descriptor)
        close()
    }

    /// Gives the descriptor away: this socket behaves as if closed, but the connection stays open.
    func release() -> Int32 {
        loop.sockets.remove(self)
        return giveAwayDescriptor()
    }

    /// Whether the system still has a route from this connection's local address to `remote`.
    ///
    /// The check sends nothing. If the system does not say, the result is true.
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
