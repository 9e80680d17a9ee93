package import Basics
import CryptoPrimitives
import EventIO
import ProtocolCore
import Synchronization
import Vocabulary

/// The credential of a client for one peer, shared by all of its links and threads.
///
/// It holds the password and, once the realm is known, the stretched password. Stretching takes about half a second and 128 MiB;
/// it happens once, on a thread of its own.
package final class CredentialStore: Sendable {
    private enum State {
        case unknown
        case stretching(
            Realm,
            ScryptCost,
            waiting: [@Sendable (Result<ClientCredential, CryptoFailure>) -> Void]
        )
        case ready(ClientCredential)
    }

    private struct Content {
        var state = State.unknown
        /// Whether a thread is stretching the password.
        var isStretching = false
        /// The moment before which no thread tries to log in, after a refused password.
        var refusedUntil = Instant.start
        var refusals = 0
    }

    /// The only realm that is accepted, if one was configured.
    let pinnedRealm: Realm?
    /// The application whose realms are accepted, if there is one.
    let application: String?
    private let identity: Identity
    private let password: Password
    private let content = Mutex(Content())

    /// A store for logins as `user` (`alice`, or `alice/2` for the second password).
    ///
    /// - Parameters:
    ///   - user: 1 to 64 bytes, optionally followed by a slash and the number of the password.
    ///   - password: the password, as read from a file, from the environment or from standard input.
    ///   - realm: the only realm that is accepted; `nil` learns it from the server.
    /// - Throws: an error if the user or the realm is not valid.
    package init(user: String, password: LoginPassword, realm: String?) throws(CredentialFault) {
        let identity = try Identity(credential: user)
        if let realm {
            guard let realm = Realm(realm) else {
                throw CredentialFault("the realm must have 1 to 255 bytes")
            }
            pinnedRealm = realm
        } else {
            pinnedRealm = nil
        }
        application = nil
        self.identity = identity
        self.password = password.password
    }

    /// A store for logins at the servers of an application.
    ///
    /// - Parameters:
    ///   - user: 1 to 64 bytes, optionally followed by a slash and the number of the password.
    ///   - password: the password.
    ///   - application: the application that the server's realm must belong to; see ``PasswordFile/realmPrefix(of:)``.
    /// - Throws: an error if the user or the application is not valid.
    package init(user: String, password: LoginPassword, application: String) throws(CredentialFault) {
        let identity = try Identity(credential: user)
        _ = try PasswordFile.realmPrefix(of: application)
        pinnedRealm = nil
        self.application = application
        self.identity = identity
        self.password = password.password
    }

    /// Whether a password may be stretched for this realm.
    func accepts(_ realm: Realm) -> Bool {
        guard let application else { return true }
        guard let prefix = try? PasswordFile.realmPrefix(of: application) else { return false }
        return realm.text.hasPrefix(prefix)
    }

    /// Starts to stretch the password for the configured realm at the standard cost, so that the first link does not have to ask
    /// the server for both.
    package func prepare() {
        if let pinnedRealm { stretch(for: pinnedRealm, at: .standard) { _ in } }
    }

    /// The credential, if the password has been stretched.
    var credential: ClientCredential? {
        content.withLock { content in
            if case .ready(let credential) = content.state { return credential }
            return nil
        }
    }

    /// Makes the credential for a realm, or waits for the one that is being made.
    ///
    /// `completion` is called on any thread.
    func stretch(
        for realm: Realm,
        at cost: ScryptCost,
        _ completion: @escaping @Sendable (Result<ClientCredential, CryptoFailure>) -> Void
    ) {
        let (known, begins) = content.withLock { content -> (ClientCredential?, Bool) in
            switch content.state {
            case .ready(let credential) where credential.realm == realm && credential.cost == cost:
                return (credential, false)
            case .stretching(realm, cost, let waiting):
                content.state = .stretching(realm, cost, waiting: waiting + [completion])
                return (nil, false)
            default:
                // The realm that a server names last replaces the earlier one. Callers that wait for the earlier one are called
                // back when this one is done.
                var waiting = [completion]
                if case .stretching(_, _, let others) = content.state { waiting += others }
                content.state = .stretching(realm, cost, waiting: waiting)
                // One thread is enough, and it continues with the realm that was asked for last: a server that names another
                // realm each time must not cost a thread and half a second of computation for each.
                let begins = !content.isStretching
                content.isStretching = true
                return (nil, begins)
            }
        }
        if let known { completion(.success(known)) }
        guard begins else { return }
        do {
            _ = try LoopThread(name: "sly-stretch") { [self] in stretchAll() }
        } catch {
            let failure = CryptoFailure(operation: "thread", reason: error.description)
            while let (realm, cost) = nextToStretch { deliver(.failure(failure), for: realm, cost) }
        }
    }

    /// Stretches for the realm that was asked for last, until no caller waits.
    private func stretchAll() {
        while let (realm, cost) = nextToStretch { finish(for: realm, at: cost) }
    }

    /// The realm and the cost that callers wait for; `nil` if no caller waits, so that the next one starts a new thread.
    private var nextToStretch: (Realm, ScryptCost)? {
        content.withLock { content in
            if case .stretching(let realm, let cost, _) = content.state { return (realm, cost) }
            content.isStretching = false
            return nil
        }
    }

    /// Lets one thread of the process stretch at a time, because each needs 128 MiB.
    private static let turn = Mutex(())

    private func finish(for realm: Realm, at cost: ScryptCost) {
        let result: Result<ClientCredential, CryptoFailure>
        do throws(CryptoFailure) {
            let secret = try Self.turn.withLock { (_) throws(CryptoFailure) in
                try StretchedPassword(password, identity: identity, realm: realm, cost: cost)
            }
            let credential = try ClientCredential(
                identity: identity,
                realm: realm,
                cost: cost,
                secret: secret
            )
            result = .success(credential)
        } catch {
            result = .failure(error)
        }
        deliver(result, for: realm, cost)
    }

    private func deliver(
        _ result: Result<ClientCredential, CryptoFailure>,
        for realm: Realm,
        _ cost: ScryptCost
    ) {
        let waiting = content.withLock {
            content -> [@Sendable (Result<ClientCredential, CryptoFailure>) -> Void] in
            guard case .stretching(realm, cost, let waiting) = content.state else { return [] }
            if case .success(let credential) = result {
                content.state = .ready(credential)
            } else {
                content.state = .unknown
            }
            return waiting
        }
        for completion in waiting { completion(result) }
    }
}

// MARK: - After a refusal

extension CredentialStore {
    /// The time to wait before another attempt, because the server did not know the password or was an impostor.
    ///
    /// An impostor can test one guess with each attempt, and a good server counts each attempt against an honest client.
    /// Therefore the wait is 1 s at first and doubles up to 60 s, for all links of the process to this peer together.
    package func delayAfterRefusal(at now: Instant) -> Duration {
        content.withLock { $0.refusedUntil.duration(since: now) }
    }

    /// The server, or an impostor, did not accept the password.
    func noteRefusal(at now: Instant) {
        content.withLock { content in
            // Links that were dialled at the same time count as one attempt.
            guard now >= content.refusedUntil else { return }
            let seconds = min(60, 1 << min(content.refusals, 6))
            let jitter = Duration.nanoseconds(Int64.random(in: 0..<250_000_000)) * seconds
            content.refusals += 1
            content.refusedUntil = now.advanced(by: .seconds(seconds) + jitter)
        }
    }

    /// A login has succeeded.
    func noteSuccess() {
        content.withLock { content in
            content.refusals = 0
            content.refusedUntil = .start
        }
    }
}

extension Identity {
    /// An identity from a text of a program or an operator.
    init(credential text: String) throws(CredentialFault) {
        do throws(IdentityError) { try self.init(text) } catch { throw CredentialFault(error.message) }
    }
}
