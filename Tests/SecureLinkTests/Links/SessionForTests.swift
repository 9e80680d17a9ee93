import CryptoPrimitives
import EventIO
import Glibc
import SystemPackage
import Testing
import Vocabulary

@testable import ProtocolCore
@testable import SecureLink

// Helpers that create a session without a handshake.

extension LinkEnvironment {
    static func forTests(_ loop: EventLoop) throws -> LinkEnvironment {
        LinkEnvironment(
            loop,
            pool: try JobPool(threads: 1, maxWaiting: 1, name: "test-pake"),
            gauge: TrafficGauge(),
            neighbours: [],
            aead: .libcrypto
        )
    }

    /// Creates the two ends of a connection that takes four mebibytes at once: more than any test sends and more than a link's
    /// turn.
    static func socketPair() throws -> (first: DetachedSocket, second: DetachedSocket) {
        let (first, second) = try rawSocketPair()
        return (first, try DetachedSocket(adopting: FileDescriptor(rawValue: second)))
    }

    /// The same, with a plain descriptor as the second end.
    static func rawSocketPair() throws -> (first: DetachedSocket, second: Int32) {
        var ends: [Int32] = [-1, -1]
        try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
        for end in ends {
            var bytes: Int32 = 4 << 20
            setsockopt(end, SOL_SOCKET, SO_SNDBUF, &bytes, socklen_t(MemoryLayout<Int32>.size))
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
        return (try DetachedSocket(adopting: FileDescriptor(rawValue: ends[0])), ends[1])
    }

    /// Creates a session like one after a finished handshake; it has not started yet.
    func session(
        _ role: Session.Role,
        _ socket: StreamSocket,
        _ secrets: SessionSecrets
    ) throws -> PeerSession {
        try PeerSession(
            role: role,
            agreement: Agreement(
                identity: try Identity("alice"),
                suite: .encrypted,
                secrets: secrets,
                peerParameters: SessionParameters()
            ),
            options: LinkOptions(),
            socket: socket,
            remote: try #require(SocketAddress(unixPath: "/peer")),
            preamble: [],
            environment: self
        )
    }
}

extension SessionSecrets {
    static func forTests() throws -> SessionSecrets {
        try SessionSecrets(shared: SecretBytes([UInt8](repeating: 7, count: 64)), hellos: [1], whole: [2])
    }
}
