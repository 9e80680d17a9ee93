package import Basics
import CryptoPrimitives
package import ProtocolCore
import Vocabulary

/// Two sessions and the link between them, with a simulated clock: no socket, no thread, no waiting.
package struct Pair {
    package let client: SimulatedEnd
    package let server: SimulatedEnd
    package var now = Instant(nanoseconds: 1_000_000_000_000)
    /// The bytes on the link in each direction.
    package var toServer: [UInt8] = []
    package var toClient: [UInt8] = []

    /// Creates two ends that have agreed on keys.
    package init(
        client clientOptions: Session.Options = .init(parameters: SessionParameters()),
        server serverOptions: Session.Options = .init(parameters: SessionParameters()),
        ciphers: @escaping RecordCipherMaker = recordCiphers(by: .libcrypto),
        pool: BlockPool = BlockPool()
    ) throws {
        let secrets = try SessionSecrets(
            shared: SecretBytes([UInt8](repeating: 7, count: 64)),
            hellos: [1],
            whole: [2]
        )
        client = try Self.end(
            .client,
            secrets,
            clientOptions,
            peer: serverOptions.parameters,
            ciphers,
            pool,
            at: now
        )
        server = try Self.end(
            .server,
            secrets,
            serverOptions,
            peer: clientOptions.parameters,
            ciphers,
            pool,
            at: now
        )
    }

    private static func end(
        _ role: Session.Role,
        _ secrets: SessionSecrets,
        _ options: Session.Options,
        peer: SessionParameters,
        _ ciphers: @escaping RecordCipherMaker,
        _ pool: BlockPool,
        at now: Instant
    ) throws -> SimulatedEnd {
        guard let identity = try? Identity("alice") else {
            preconditionFailure("a name that is always valid")
        }
        let agreement = Agreement(
            identity: identity,
            suite: .encrypted,
            secrets: secrets,
            peerParameters: peer
        )
        let session = try Session(
            role: role,
            agreement: agreement,
            options: options,
            pool: pool,
            makeCipher: ciphers,
            at: now
        )
        return SimulatedEnd(role, session)
    }

    /// Moves bytes until neither end has anything to send.
    ///
    /// - Parameter chunk: the number of bytes that arrive at a time.
    package mutating func settle(chunk: Int = .max) {
        while true {
            toServer += client.pump(at: now)
            toClient += server.pump(at: now)
            guard !toServer.isEmpty || !toClient.isEmpty else { return }
            deliver(chunk: chunk)
        }
    }

    /// Delivers the bytes that are on the link.
    package mutating func deliver(chunk: Int = .max) {
        for part in Self.parts(toServer, of: chunk) { server.deliver(part, at: now) }
        for part in Self.parts(toClient, of: chunk) { client.deliver(part, at: now) }
        toServer = []
        toClient = []
    }

    /// Advances the clock; both ends' timers fire when they are due.
    package mutating func pass(_ duration: Duration) {
        let until = now.advanced(by: duration)
        while true {
            let next = [client.session.nextTimeout, server.session.nextTimeout].compactMap { $0 }.min()
            guard let next, next <= until else { break }
            now = max(now, next)
            for end in [client, server] { end.handleTimeouts(at: now) }
            settle()
        }
        now = until
    }

    /// All faults that the two ends found.
    package var damage: [String] { client.damage + server.damage }

    private static func parts(_ bytes: [UInt8], of count: Int) -> [[UInt8]] {
        guard count < bytes.count else { return bytes.isEmpty ? [] : [bytes] }
        return stride(from: 0, to: bytes.count, by: count).map {
            Array(bytes[$0..<min($0 + count, bytes.count)])
        }
    }
}
