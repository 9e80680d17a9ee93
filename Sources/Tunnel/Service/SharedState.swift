import CryptoPrimitives
import EventIO
import Logging
import Platform
package import SecureLink

/// The state that all workers share: read-only values and a few counters, none of them on the hot path.
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
    /// The users that may log in, as read at startup.
    let table: PasswordTable?
    let peers: [PeerName: PeerShare]
    /// The load of each worker.
    let loads: [WorkerLoad]

    init(_ configuration: TunnelConfiguration, secrets: TunnelSecrets, logger: Logger) throws(SystemFailure) {
        self.configuration = configuration
        log = TunnelLog(logger: logger)
        do throws(CryptoFailure) {
            aead = try configuration.aead.backend()
        } catch {
            // For a configuration file, its decoder has already reported this with the position of the value.
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
                    "a peer has no credentials: secrets are loaded before the service is created"
                )
            }
            peers[peer.id] = PeerShare(peer, store, of: configuration)
        }
        self.peers = peers
        loads = (0..<configuration.workers).map { _ in WorkerLoad() }
        // At most half of the cores, so that established links never wait for a handshake.
        arithmetic = try JobPool(
            threads: max(1, MachineSize.current.cores / 2),
            maxWaiting: Self.maxWaitingJobs,
            name: "sly-pake"
        )
    }

    /// The number of handshakes that may wait for a thread.
    ///
    /// Larger: the last ones wait longer than their clients do. Smaller: clients that come back together are refused.
    private static let maxWaitingJobs = 64
}

/// The secrets that a configuration names, loaded.
package struct TunnelSecrets: Sendable {
    /// The users that may log in; present if the configuration has a server.
    package var passwords: PasswordTable?
    /// The credentials for each peer, by the peer's name.
    package var credentials: [String: CredentialStore]

    package init(passwords: PasswordTable?, credentials: [String: CredentialStore]) {
        self.passwords = passwords
        self.credentials = credentials
    }
}
