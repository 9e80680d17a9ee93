import Basics
import EventIO

/// Decides what a handshake's connection does next.
protocol HandshakeSocketOwner: AnyObject {
    /// The connection brought something. The owner may close or release the socket.
    func handshakeSocket(_ socket: HandshakeSocket, _ event: HandshakeSocket.Event)
}

/// Carries one handshake over a connection: reads what comes, writes whole messages or fails, and keeps a deadline.
///
/// The three handshakes (a login dialled, a login accepted, a session resumed) decide in state machines of their own; this is
/// the only place where their bytes meet a socket. Confined to its loop's thread. After ``release()`` or ``close()`` it reports
/// nothing.
final class HandshakeSocket {
    /// What the connection brought.
    enum Event {
        /// Bytes; valid during the call.
        case received(UnsafeRawBufferPointer)
        /// The other end closed the connection, or it broke.
        case closed
        /// The deadline passed.
        case timedOut
    }

    private var socket: StreamSocket?
    private var deadline: LoopTimer?
    private var isPaused = false
    /// Hears each event.
    ///
    /// An owner that is freed while it hears one hears no other.
    private weak var owner: (any HandshakeSocketOwner)?

    /// Bytes per read: every message of a handshake fits.
    ///
    /// Larger: a stranger may make this end hold more before the state machine refuses it. Smaller: more reads per handshake.
    private static let readCount = 4096

    /// Takes over a connection.
    ///
    /// - Parameters:
    ///   - socket: the connection; this object closes it, unless ``release()`` takes it back.
    ///   - loop: the loop of the connection.
    ///   - owner: hears what comes, from the loop and from ``listen()`` and ``resume()``.
    init(_ socket: StreamSocket, loop: EventLoop, owner: any HandshakeSocketOwner) {
        self.socket = socket
        self.owner = owner
        deadline = LoopTimer(loop) { [unowned self] in report(.timedOut) }
        socket.handler = self
    }

    deinit {
        socket?.close()
    }

    /// Registers a connection that was accepted with its loop, and reads what has come.
    func listen() throws(SystemFailure) {
        try socket?.start(self)
        read()
    }

    /// Reports ``Event/timedOut`` at `moment` unless the deadline is moved or the handshake ends before.
    func setDeadline(_ moment: Instant) {
        deadline?.schedule(at: moment)
    }

    /// Writes a whole message.
    ///
    /// - Returns: `false` when the connection did not take all of it at once. A connection that is new takes a few hundred
    ///   bytes; one that does not has a peer that does not read.
    func send(_ message: [UInt8]) -> Bool {
        guard let socket else { return false }
        guard case .took(message.count) = message.withUnsafeBytes({ socket.write($0) }) else { return false }
        return true
    }

    /// Stops reading: nothing may come now, and what comes all the same waits in the kernel.
    func pause() {
        isPaused = true
    }

    /// Reads what has come, now and from now on.
    func resume() {
        isPaused = false
        read()
    }

    /// Gives the connection back and reports nothing more.
    func release() -> StreamSocket? {
        deadline?.cancel()
        defer { socket = nil }
        return socket
    }

    /// Closes the connection and reports nothing more.
    func close() {
        release()?.close()
    }

    private func report(_ event: Event) {
        owner?.handshakeSocket(self, event)
    }

    private func read() {
        withUnsafeTemporaryAllocation(byteCount: Self.readCount, alignment: 1) { space in
            // The owner may release, close or pause, or be freed.
            while let socket, owner != nil, !isPaused {
                switch socket.read(into: space) {
                case .bytes(let count): report(.received(UnsafeRawBufferPointer(rebasing: space[..<count])))
                case .nothing: return
                case .end, .failed:
                    report(.closed)
                    return
                }
            }
        }
    }
}

extension HandshakeSocket: StreamSocketHandler {
    func socketReadable(_ socket: StreamSocket) {
        read()
    }

    func socketWritable(_ socket: StreamSocket) {}

    func socketBroken(_ socket: StreamSocket, _ failure: SystemFailure) {
        if self.socket != nil { report(.closed) }
    }
}
