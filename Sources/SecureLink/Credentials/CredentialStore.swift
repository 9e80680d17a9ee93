package import Basics
import CryptoPrimitives
import EventIO
import ProtocolCore
import Synchronization
import Vocabulary

/// What a client knows about logging in to one peer, shared by all of its links and threads: the password, and, once the
/// realm is known, what stretching made of it.
///
/// Stretching takes about half a second and 128 MiB; it happens once, on a thread of its own.
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
        /// Whether there is a thread that stretches.
        var isStretching = false
        /// After a refused password nobody tries before this moment, on whatever thread.
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

    /// What it takes to log in as `user` (`alice`, or `alice/2` for the second password).
    ///
    /// - Parameters:
    ///   - user: 1 to 64 bytes, perhaps with the number of the password behind a slash.
    ///   - password: as it was read from a file, from the environment or from standard input.
    ///   - realm: the only realm that is accepted; `nil` learns it from the server.
    /// - Throws: what cannot be used of these.
    package init(user: String, password: LoginPassword, realm: String?) throws(CredentialFault) {
        let identity = try Identity(credential: user)
        if let realm {
            guard let realm = Realm(realm) else {
                throw CredentialFault("the realm has to have 1 to 255 bytes")
            }
            pinnedRealm = realm
        } else {
            pinnedRealm = nil
        }
        application = nil
        self.identity = identity
        self.password = password.password
    }

    /// What it takes to log in at a server of an application.
    ///
    /// - Parameters:
    ///   - user: as above.
    ///   - password: as above.
    ///   - application: what the realm of the server has to belong to; see ``PasswordFile/realmPrefix(of:)``.
    /// - Throws: what cannot be used of these.
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

    /// Begins to stretch for the configured realm at the usual cost, so that the first link need not ask.
    package func prepare() {
        if let pinnedRealm { stretch(for: pinnedRealm, at: .standard) { _ in } }
    }

    /// The credential, if there is one already.
    var credential: ClientCredential? {
        content.withLock { content in
            if case .ready(let credential) = content.state { return credential }
            return nil
        }
    }

    /// Makes the credential for a realm, or waits for the one that is being made.
    ///
    /// `completion` is called on whatever thread.
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
                // A server that changes its realm is followed; who waited for the other one is told when this is done.
                var waiting = [completion]
                if case .stretching(_, _, let others) = content.state { waiting += others }
                content.state = .stretching(realm, cost, waiting: waiting)
                // One thread is enough, and it goes on with the realm that was asked for last: who names another one
                // each time must not get a thread and half a second of arithmetic for each.
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

    /// Stretches for whatever realm was asked for last, until nobody waits.
    private func stretchAll() {
        while let (realm, cost) = nextToStretch { finish(for: realm, at: cost) }
    }

    /// What somebody waits for; when it is nothing, the next who asks needs a new thread.
    private var nextToStretch: (Realm, ScryptCost)? {
        content.withLock { content in
            if case .stretching(let realm, let cost, _) = content.state { return (realm, cost) }
            content.isStretching = false
            return nil
        }
    }

    /// One password is stretched at a time in the whole process: each takes 128 MiB.
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
    /// How long to wait before another attempt, because the server did not know the password (or was not the server).
    ///
    /// Each attempt tells a rogue server whether one guess was right, and counts against an honest client at a good one:
    /// 1 s, doubling to 60 s, and all links of the process together.
    package func delayAfterRefusal(at now: Instant) -> Duration {
        content.withLock { $0.refusedUntil.duration(since: now) }
    }

    /// The password was not accepted, by whomever.
    func noteRefusal(at now: Instant) {
        content.withLock { content in
            // Links that were under way at the same time are one attempt.
            guard now >= content.refusedUntil else { return }
            let seconds = min(60, 1 << min(content.refusals, 6))
            let jitter = Duration.nanoseconds(Int64.random(in: 0..<250_000_000)) * seconds
            content.refusals += 1
            content.refusedUntil = now.advanced(by: .seconds(seconds) + jitter)
        }
    }

    /// A login has worked.
    func noteSuccess() {
        content.withLock { content in
            content.refusals = 0
            content.refusedUntil = .start
        }
    }
}

extension Identity {
    /// An identity from the text that a program or an operator has given.
    init(credential text: String) throws(CredentialFault) {
        do throws(IdentityError) { try self.init(text) } catch { throw CredentialFault(error.message) }
    }
}
