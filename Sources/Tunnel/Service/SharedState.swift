import CryptoPrimitives
import EventIO
import Logging
import Platform
package import SecureLink

/// What all workers share: read-only values and a few counters, none of them touched on a byte's way.
final class SharedState: Sendable {
    let configuration: TunnelConfiguration
    let log: TunnelLog
    /// The process's limits on unauthenticated clients.
    let gate: HandshakeGate
    /// The sessions that clients may resume.
    let registry: SessionRegistry
    let admission: Admission
    /// The library that protects records.
    let aead: AEADBackend
    /// Threads that compute handshakes.
    let arithmetic: JobPool
    /// The users that may log in, as they were read first.
    let table: PasswordTable?
    let peers: [PeerName: PeerShare]
    /// What each worker has to do.
    let loads: [WorkerLoad]

    init(_ configuration: TunnelConfiguration, secrets: TunnelSecrets, logger: Logger) throws(SystemFailure) {
        self.configuration = configuration
        log = TunnelLog(logger: logger)
        do throws(CryptoFailure) {
            aead = try configuration.aead.backend()
        } catch {
            // The reader of a file got the position of the value before.
            throw SystemFailure("aead-backend", configuration.aead.rawValue, code: ENOSYS)
        }
        gate = HandshakeGate(maxUnderWay: configuration.limits.maxHandshakes)
        registry = try SessionRegistry()
        admission = Admission(configuration.limits)
        table = secrets.passwords
        var peers: [PeerName: PeerShare] = [:]
        for peer in configuration.peers {
            guard let store = secrets.credentials[peer.name] else {
                preconditionFailure(
                    "a peer without a password: secrets are loaded before anything is started"
                )
            }
            peers[peer.id] = PeerShare(peer, store, of: configuration)
        }
        self.peers = peers
        loads = (0..<configuration.workers).map { _ in WorkerLoad() }
        // Half of the cores at most, so that links that are established never wait for a handshake.
        arithmetic = try JobPool(
            threads: max(1, MachineSize.current.cores / 2),
            maxWaiting: Self.maxWaitingJobs,
            name: "sly-pake"
        )
    }

    /// Handshakes that may wait for the processor.
    ///
    /// Larger: the last ones wait for longer than a client does. Smaller: clients that come back together are refused.
    private static let maxWaitingJobs = 64
}

/// The secrets that a configuration names, read and ready.
package struct TunnelSecrets: Sendable {
    /// The users that may log in; there if the configuration has a server.
    package var passwords: PasswordTable?
    /// For each peer's name, what it takes to log in there.
    package var credentials: [String: CredentialStore]

    package init(passwords: PasswordTable?, credentials: [String: CredentialStore]) {
        self.passwords = passwords
        self.credentials = credentials
    }
}
