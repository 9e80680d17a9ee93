import CryptoPrimitives
import EventIO
import Logging
import Platform
package import SecureLink
import Synchronization

/// What all workers share: read-only values and a few counters, none of them touched on a byte's way.
final class SharedState: Sendable {
    let configuration: TunnelConfiguration
    let log: TunnelLog
    let gate: HandshakeGate
    /// Sessions that clients may come back to.
    let registry: SessionRegistry
    let budget: MemoryBudget
    /// The library that protects records.
    let aead: AEADBackend
    let arithmetic: JobPool
    let table: PasswordTable?
    /// For each peer, by its place in the configuration.
    let stores: [CredentialStore]
    let statuses: [PeerStatus]
    let needs: [LinkNeeds]
    let loads: [WorkerLoad]
    /// Links from clients, strangers included.
    let links = Atomic<Int>(0)

    init(_ configuration: TunnelConfiguration, secrets: TunnelSecrets, logger: Logger) throws(SystemFailure) {
        self.configuration = configuration
        log = TunnelLog(logger: logger)
        do throws(CryptoFailure) {
            aead = try configuration.aead.backend()
        } catch {
            // Who reads a file has been told why at the place of the value.
            throw SystemFailure("aead-backend", configuration.aead.rawValue, code: ENOSYS)
        }
        gate = HandshakeGate(maxUnderWay: configuration.limits.maxHandshakes)
        registry = try SessionRegistry()
        budget = MemoryBudget(configuration.limits.memory)
        table = secrets.passwords
        stores = configuration.peers.map { peer in
            guard let store = secrets.credentials[peer.name] else {
                preconditionFailure(
                    "a peer without a password: secrets are loaded before anything is started"
                )
            }
            return store
        }
        statuses = configuration.peers.map { _ in PeerStatus() }
        needs = configuration.peers.map { _ in LinkNeeds(workers: configuration.workers) }
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
    /// More would wait for longer than a client does.
    private static let maxWaitingJobs = 64
}

/// The secrets that a configuration names, read and ready.
package struct TunnelSecrets: Sendable {
    /// Who may log in; there if the configuration has a server.
    package var passwords: PasswordTable?
    /// For each peer's name, what it takes to log in there.
    package var credentials: [String: CredentialStore]

    package init(passwords: PasswordTable?, credentials: [String: CredentialStore]) {
        self.passwords = passwords
        self.credentials = credentials
    }
}
