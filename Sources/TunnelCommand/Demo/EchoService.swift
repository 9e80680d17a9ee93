import EventIO

/// An echo service for trials of a tunnel, with one thread for each connection.
final class EchoService: Sendable {
    /// The address that the service listens on.
    let address: SocketAddress

    /// Starts the service on a free port of the loopback interface; it runs until the process ends.
    init() throws(SystemFailure) {
        guard let any = SocketAddress(numericHost: "127.0.0.1", port: 0) else {
            throw SystemFailure("bind", "127.0.0.1", code: 0)
        }
        let bound = try BoundSocket(any)
        try bound.listen()
        address = bound.address
        let acceptor = Acceptor(bound)
        _ = try LoopThread(name: "sly-echo") { acceptor.run() }
    }

    /// The owner of the listening socket, on the accepting thread.
    private final class Acceptor: @unchecked Sendable {
        // Created on one thread and used on another, never by both at once.
        private let bound: BoundSocket

        init(_ bound: BoundSocket) {
            self.bound = bound
        }

        func run() {
            while let socket = try? BlockingSocket.accept(at: bound) {
                _ = try? LoopThread(name: "sly-echo") { EchoService.echo(socket) }
            }
        }
    }

    private static func echo(_ socket: BlockingSocket) {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 16)
        defer { buffer.deallocate() }
        while let count = try? socket.read(into: buffer), count > 0 {
            let bytes = UnsafeRawBufferPointer(rebasing: buffer[..<count])
            guard (try? socket.write(bytes)) != nil else { return }
        }
        socket.shutdownWriting()
    }
}
