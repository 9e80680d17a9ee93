import CLibuv
import CLinux
import Glibc
package import WireCoding

/// Who wants to know what happens to a socket.
///
/// Called on the loop's thread.
package protocol StreamSocketHandler: AnyObject {
    /// There may be bytes to read, or the end of them, or a failure: ``StreamSocket/read(into:)`` will tell.
    func socketReadable(_ socket: StreamSocket)
    /// The socket takes bytes again, after it did not; or it is connected.
    func socketWritable(_ socket: StreamSocket)
    /// The connection is broken, whether or not anybody is reading.
    func socketBroken(_ socket: StreamSocket, _ failure: SystemFailure)
}

/// A connected stream socket, TCP or Unix, that never blocks.
///
/// It is registered once for its whole life and told of changes once, so it remembers what it was told: reading and
/// writing are tried when they may work, and a pause costs nothing. Confined to its loop's thread. Whoever owns it closes
/// it; freed unclosed, it closes itself.
package final class StreamSocket: PollSource {
    /// Who is told: its owner, which closes the socket before it goes itself.
    ///
    /// Not weak: a weak reference would make every retain and release of the owner, on every event, a slow one.
    package unowned var handler: (any StreamSocketHandler)?
    /// Whether reading may give something: bytes, the end or a failure.
    package private(set) var isReadable = true
    /// Whether writing may work.
    package private(set) var isWritable = true
    /// Whether the other side has ended its direction, or both are over: reading will come to an end.
    package private(set) var isEnding = false
    private var isConnecting = false
    private var watchesWritable = false
    private var smallWrites = SmallWrites.leave
    private let loop: EventLoop

    /// Whether the system sends small writes at once.
    ///
    /// It holds back only what follows something unacknowledged, so a connection on which one thing is written need not be
    /// told: a system call less for each.
    private enum SmallWrites {
        /// Always.
        case leave
        /// The first one; it has to be told before the second.
        case firstLeaves
        /// It has been, and the next one is the second.
        case nextWouldWait
    }

    /// What a read gave.
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

    /// What a write did.
    package enum WriteResult {
        /// The system took so many bytes: perhaps not all, perhaps none.
        case took(Int)
        /// The connection is broken.
        case failed(SystemFailure)
    }

    /// Takes over a descriptor that does not block.
    package init(adopting descriptor: Int32, loop: EventLoop) {
        self.loop = loop
        super.init(descriptor)
    }

    deinit {
        close()
    }

    /// Begins to connect to an address.
    ///
    /// If it did not work at once, ``StreamSocketHandler/socketWritable(_:)`` or ``socketBroken`` tells how it went;
    /// see ``isConnected``.
    package static func connect(
        to address: SocketAddress,
        loop: EventLoop,
        handler: any StreamSocketHandler
    ) throws(SystemFailure) -> StreamSocket {
        let descriptor = sly_stream_socket(address.family)
        guard descriptor >= 0 else { throw SystemFailure("socket", code: -descriptor) }
        let result = StreamSocket(adopting: descriptor, loop: loop)
        if !address.isUnix {
            result.smallWrites = .firstLeaves
            SocketOptions.anyPort(descriptor)
        }
        if address.isLoopback { SocketOptions.unpaced(descriptor) }
        let code = address.withSystemAddress { Glibc.connect(descriptor, $0, $1) == 0 ? 0 : errno }
        switch code {
        case 0: break
        case EINPROGRESS:
            result.isConnecting = true
            result.isReadable = false
            result.isWritable = false
        default: throw SystemFailure("connect", address.description, code: code)
        }
        try result.start(handler)
        return result
    }

    /// Registers the socket with its loop: from now on the handler is called.
    package func start(_ handler: any StreamSocketHandler) throws(SystemFailure) {
        self.handler = handler
        watchesWritable = isConnecting
        try loop.sockets.add(self, wanted)
    }

    /// Whether connecting has succeeded.
    package var isConnected: Bool { !isConnecting }

    /// Whether ``close()`` was called.
    package var isClosed: Bool { descriptor < 0 }

    /// Reads once, as much as there is and fits.
    package func read(into segments: UnsafeMutableBufferPointer<MemorySegment>) -> ReadResult {
        guard isReadable, let first = segments.first else { return .nothing }
        let wanted = segments.reduce(0) { $0 + $1.count }
        let count: Int
        if segments.count == 1 {
            count = Glibc.read(descriptor, first.base, first.count)
        } else {
            count = segments.withMemoryRebound(to: iovec.self) {
                readv(descriptor, $0.baseAddress, Int32($0.count))
            }
        }
        if count > 0 {
            // A short read has emptied the socket; what comes later is told anew. Only the end is not.
            if count < wanted, !isEnding { isReadable = false }
            loop.turnBytes &+= count
            return .bytes(count)
        }
        guard count < 0 else { return .end }
        switch errno {
        case EAGAIN, EWOULDBLOCK:
            isReadable = false
            return .nothing
        case EINTR: return .nothing
        default: return .failed(SystemFailure("read", code: errno))
        }
    }

    /// Writes once, as much as the system takes.
    package func write(_ segments: UnsafeMutableBufferPointer<MemorySegment>) -> WriteResult {
        guard isWritable else { return .took(0) }
        if smallWrites != .leave { sendAtOnce() }
        let wanted = segments.reduce(0) { $0 + $1.count }
        let count = segments.withMemoryRebound(to: iovec.self) {
            sly_send(descriptor, $0.baseAddress, Int32($0.count))
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

    private func sendAtOnce() {
        if smallWrites == .nextWouldWait { SocketOptions.noDelay(descriptor) }
        smallWrites = smallWrites == .firstLeaves ? .nextWouldWait : .leave
    }

    /// Reads once into one run of memory.
    package func read(into bytes: UnsafeMutableRawBufferPointer) -> ReadResult {
        var segment = MemorySegment(base: bytes.baseAddress, count: bytes.count)
        return withUnsafeMutablePointer(to: &segment) {
            read(into: UnsafeMutableBufferPointer(start: $0, count: 1))
        }
    }

    /// Writes one run of memory once.
    package func write(_ bytes: UnsafeRawBufferPointer) -> WriteResult {
        var segment = MemorySegment(reading: bytes)
        return withUnsafeMutablePointer(to: &segment) {
            write(UnsafeMutableBufferPointer(start: $0, count: 1))
        }
    }

    /// Ends our direction: the other side reads the end after all that was written.
    package func shutdownWriting() {
        guard descriptor >= 0 else { return }
        shutdown(descriptor, Int32(SHUT_WR))
    }

    /// Whether the system would still send from this connection's own address to that one.
    ///
    /// Nothing is sent for it. What the system does not say counts as yes.
    package func hasRoute(to remote: SocketAddress) -> Bool {
        guard let local = SocketAddress(localOf: descriptor) else { return true }
        let probe = sly_datagram_socket(local.family)
        guard probe >= 0 else { return true }
        defer { Glibc.close(probe) }
        guard local.withAnyPort.withSystemAddress({ bind(probe, $0, $1) }) == 0 else {
            return errno != EADDRNOTAVAIL
        }
        guard remote.withSystemAddress({ Glibc.connect(probe, $0, $1) }) == 0 else {
            return ![ENETUNREACH, EHOSTUNREACH, ENETDOWN, EADDRNOTAVAIL].contains(errno)
        }
        return true
    }

    /// Closes in the ordinary way: what was written still goes out, then the end.
    package func close() {
        guard descriptor >= 0 else { return }
        loop.sockets.remove(self, isClosing: true)
        closeDescriptor()
    }

    /// Closes with a reset, so that the other side knows that something went wrong.
    ///
    /// A Unix socket has none: there it is an ordinary close.
    package func closeWithReset() {
        guard descriptor >= 0 else { return }
        var linger = Glibc.linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Glibc.linger>.size))
        close()
    }

    /// Gives the descriptor away: the socket is as if closed, but the connection lives on.
    package func release() -> Int32 {
        loop.sockets.remove(self, isClosing: false)
        return giveAwayDescriptor()
    }

    override func ready(_ events: PollEvents) {
        // Who is connected to may have spoken already: that comes with the same event, and is told only once.
        if isConnecting, !finishConnecting(events) { return }
        if !events.isDisjoint(with: [.ended, .hungUp]) { isEnding = true }
        if events.contains(.failed), let failure = pendingFailure("connection") {
            isReadable = true
            handler?.socketBroken(self, failure)
            return
        }
        // A handler may close the socket: after each call, look again.
        if !events.isDisjoint(with: [.readable, .ended, .hungUp, .failed]) {
            isReadable = true
            handler?.socketReadable(self)
        }
        if !events.isDisjoint(with: [.writable, .hungUp]), descriptor >= 0, !isWritable {
            isWritable = true
            handler?.socketWritable(self)
        }
    }

    /// Tells how connecting went.
    ///
    /// - Returns: whether it is connected, and still wanted.
    private func finishConnecting(_ events: PollEvents) -> Bool {
        isConnecting = false
        if !events.isDisjoint(with: [.failed, .hungUp]), let failure = pendingFailure("connect") {
            handler?.socketBroken(self, failure)
            return false
        }
        isReadable = true
        isWritable = true
        handler?.socketWritable(self)
        return descriptor >= 0
    }

    private func pendingFailure(_ operation: String) -> SystemFailure? {
        let code = SocketOptions.takeError(descriptor)
        return code == 0 ? nil : SystemFailure(operation, code: code)
    }

    /// Most short-lived connections never fill the system's buffer, so being writable is asked for only after it was
    /// full once: asked for from the beginning, it would wake the loop once for every connection.
    private func awaitWritable() {
        isWritable = false
        guard !watchesWritable else { return }
        watchesWritable = true
        loop.sockets.change(self, wanted)
    }

    private var wanted: PollEvents {
        watchesWritable ? [.readable, .writable, .ended, .edge] : [.readable, .ended, .edge]
    }
}
