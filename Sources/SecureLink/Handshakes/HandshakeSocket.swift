import Basics
import EventIO

/// Decides what a handshake's connection does next.
protocol HandshakeSocketOwner: AnyObject {
    /// Handles an event of the connection; the owner may close or release the socket in this call.
    func handshakeSocket(_ socket: HandshakeSocket, _ event: HandshakeSocket.Event)
}

/// Carries one handshake over a connection: reads bytes, writes a message as a whole or fails, and enforces a deadline.
///
/// Each of the three handshakes (dialling a login, accepting a link, resuming a session) has a state machine that decides; only
/// this class reads and writes their bytes. It is confined to its loop's thread. After ``release()`` or ``close()`` it reports
/// nothing.
final class HandshakeSocket {
    /// An event of the connection.
    enum Event {
        /// Bytes have arrived; they are valid during the call.
        case received(UnsafeRawBufferPointer)
        /// The other end closed the connection, or it broke.
        case closed
        /// The deadline passed.
        case timedOut
    }

    private var socket: StreamSocket?
    private var deadline: LoopTimer?
    private var isPaused = false
    /// The receiver of the events.
    ///
    /// An owner that is freed while it handles an event receives no further event.
    private weak var owner: (any HandshakeSocketOwner)?

    /// Bytes per read: every message of a handshake fits.
    ///
    /// Larger: an unauthenticated client can make this end hold more bytes before the state machine refuses them. Smaller: more
    /// reads per handshake.
    private static let readCount = 4096

    /// Takes over a connection.
    ///
    /// - Parameters:
    ///   - socket: the connection; this object closes it, unless ``release()`` takes it back.
    ///   - loop: the loop of the connection.
    ///   - owner: the receiver of the events, which come from the loop, from ``listen()`` and from ``resume()``.
    init(_ socket: StreamSocket, loop: EventLoop, owner: any HandshakeSocketOwner) {
        self.socket = socket
        self.owner = owner
        deadline = LoopTimer(loop) { [unowned self] in report(.timedOut) }
        socket.handler = self
    }

    deinit {
        socket?.close()
    }

    /// Registers an accepted connection with its loop and reads the bytes that have arrived.
    func listen() throws(SystemFailure) {
        try socket?.start(self)
        read()
    }

    /// Reports ``Event/timedOut`` at `moment`, unless the deadline is moved or the handshake ends before.
    func setDeadline(_ moment: Instant) {
        deadline?.schedule(at: moment)
    }

    /// Writes a whole message.
    ///
    /// - Returns: `false` if the connection did not take the whole message at once. A new connection takes a few hundred bytes at
    ///   once; if it does not, the peer does not read.
    func send(_ message: [UInt8]) -> Bool {
        guard let socket else { return false }
        guard case .took(message.count) = message.withUnsafeBytes({ socket.write($0) }) else { return false }
        return true
    }

    /// Stops reading: the peer may send nothing now, and bytes that arrive anyway wait in the kernel.
    func pause() {
        isPaused = true
    }

    /// Reads the bytes that have arrived, and continues to read.
    func resume() {
        isPaused = false
        read()
    }

    /// Returns the connection and reports nothing more.
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
            // While the owner handles an event, it may release, close or pause the socket, or be freed.
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
