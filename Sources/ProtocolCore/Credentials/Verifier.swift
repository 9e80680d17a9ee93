package import CryptoPrimitives
package import Vocabulary

/// What a server keeps of a user's password: enough to check it, not enough to log in with
/// (RFC 9383, section 3.2).
///
/// Who steals it can play the server to this user and can try passwords at the cost of stretching each one.
package struct Verifier: Hashable, Sendable {
    /// Whose password.
    package let identity: Identity
    /// The scalar that both ends know, 66 bytes.
    package let w0: SecretBytes
    /// `L = w1·G`, 133 bytes: what `w1` is checked against.
    package let point: [UInt8]
    /// `w0·M`, 133 bytes.
    ///
    /// Kept so that a login does the same work whether the user exists or not.
    package let blind: [UInt8]
    /// `w0·N`, 133 bytes.
    package let unblind: [UInt8]

    /// Takes values that were computed before.
    package init(identity: Identity, w0: SecretBytes, point: [UInt8], blind: [UInt8], unblind: [UInt8]) {
        self.identity = identity
        self.w0 = w0
        self.point = point
        self.blind = blind
        self.unblind = unblind
    }

    /// Registers a stretched password: about 0.8 ms.
    package init(identity: Identity, secret: StretchedPassword) throws(CryptoFailure) {
        let point = try P521.Point.generator(times: P521.Scalar(secret.w1)).encoded()
        let (blind, unblind) = try PasswordExchange.blinds(of: secret.w0)
        self.init(identity: identity, w0: secret.w0, point: point, blind: blind, unblind: unblind)
    }

    package static func == (left: Verifier, right: Verifier) -> Bool {
        left.identity == right.identity && left.point == right.point && left.w0.isEqual(to: right.w0)
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(identity)
        hasher.combine(point)
    }
}

/// The users of a realm, as a server looks them up.
///
/// Immutable; shared between threads.
package struct VerifierTable: Sendable {
    /// Where these users are valid.
    package let realm: Realm
    /// At what cost their passwords were stretched: one cost for all, as there is one hint for all.
    package let cost: ScryptCost
    /// What a hello must carry to be meant for this realm at this cost.
    package let realmHint: [UInt8]
    /// How many verifiers there are.
    package var count: Int { byTag.count }
    /// The names of the users, sorted, each once.
    package var users: [String] { Set(byTag.values.map(\.identity.user)).sorted() }

    private let byTag: [ClientTag: Verifier]
    /// Stands in for a user who does not exist: the same size, the same work and the same point of failure.
    private let nobody: Verifier

    /// A table of these verifiers.
    ///
    /// `dummy` is 66 random bytes for each of the two scalars of the user who does not exist.
    package init(
        realm: Realm,
        cost: ScryptCost,
        verifiers: [Verifier],
        dummy: (SecretBytes, SecretBytes)
    ) throws(CryptoFailure) {
        self.realm = realm
        self.cost = cost
        realmHint = realm.hint(cost: cost)
        byTag = Dictionary(
            verifiers.map { (ClientTag($0.identity, in: realm), $0) },
            uniquingKeysWith: { _, last in last }
        )
        guard let w0 = P521.Scalar(maskedRandom: dummy.0),
            let w1 = P521.Scalar(maskedRandom: dummy.1)
        else { throw CryptoFailure(operation: "VerifierTable", reason: "unusable random bytes") }
        nobody = try Verifier(identity: .placeholder, secret: StretchedPassword(w0: w0.bytes, w1: w1.bytes))
    }

    /// The verifier to run the exchange with, and whether it is a real one.
    package func find(_ tag: ClientTag) -> (verifier: Verifier, exists: Bool) {
        guard let found = byTag[tag] else { return (nobody, false) }
        return (found, true)
    }
}
