package import CryptoPrimitives
package import Vocabulary

/// A server's record of a user's password (RFC 9383, section 3.2): enough to check it, but not enough to log in.
///
/// A thief of the verifier can impersonate the server to this user. The thief can also try passwords, at the cost of stretching
/// each of them.
package struct Verifier: Hashable, Sendable {
    /// The user whose password it checks.
    package let identity: Identity
    /// The scalar that both ends know, 66 bytes.
    package let w0: SecretBytes
    /// `L = w1·G`, 133 bytes, against which the server checks the client's `w1`.
    package let point: [UInt8]
    /// `w0·M`, 133 bytes.
    ///
    /// It is stored so that a login does the same work whether the user exists or not.
    package let blind: [UInt8]
    /// `w0·N`, 133 bytes.
    package let unblind: [UInt8]

    /// Takes values that were computed earlier.
    package init(identity: Identity, w0: SecretBytes, point: [UInt8], blind: [UInt8], unblind: [UInt8]) {
        self.identity = identity
        self.w0 = w0
        self.point = point
        self.blind = blind
        self.unblind = unblind
    }

    /// Computes the verifier of a stretched password: about 0.8 ms.
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

/// The users of a realm, in a form in which a server can look them up.
///
/// Immutable; shared between threads.
package struct VerifierTable: Sendable {
    /// The realm in which these users are valid.
    package let realm: Realm
    /// The cost at which their passwords were stretched: one cost for all, because there is one hint for all.
    package let cost: ScryptCost
    /// The hint that a hello for this realm and cost must carry.
    package let realmHint: [UInt8]
    /// The number of verifiers.
    package var count: Int { byTag.count }
    /// The names of the users, sorted and without duplicates.
    package var users: [String] { Set(byTag.values.map(\.identity.user)).sorted() }

    private let byTag: [ClientTag: Verifier]
    /// The stand-in for a user who does not exist: the same size, the same work and the same point of failure.
    private let nobody: Verifier

    /// Creates a table of these verifiers.
    ///
    /// `dummy` is 66 random bytes for each of the two scalars of the stand-in.
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

    /// The verifier for the exchange, and whether its user exists.
    package func find(_ tag: ClientTag) -> (verifier: Verifier, exists: Bool) {
        guard let found = byTag[tag] else { return (nobody, false) }
        return (found, true)
    }
}
