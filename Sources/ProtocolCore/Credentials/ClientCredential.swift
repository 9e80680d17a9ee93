package import CryptoPrimitives
package import Vocabulary

/// A client's stretched password in one realm, ready for handshakes.
///
/// In this realm it is equivalent to the password, and in no other: keep it as secret.
package struct ClientCredential: Sendable {
    /// The identity of the client.
    package let identity: Identity
    /// The realm in which the credential is valid.
    package let realm: Realm
    /// The cost at which the password was stretched.
    package let cost: ScryptCost
    /// The secret scalars.
    package let secret: StretchedPassword
    /// `w0·M`, which blinds the client's share.
    let blind: [UInt8]
    /// `w0·N`, which unblinds the server's share.
    let unblind: [UInt8]

    /// Computes the two products that every handshake uses: about 0.6 ms, so not for an event loop.
    package init(
        identity: Identity,
        realm: Realm,
        cost: ScryptCost,
        secret: StretchedPassword
    ) throws(CryptoFailure) {
        self.identity = identity
        self.realm = realm
        self.cost = cost
        self.secret = secret
        (blind, unblind) = try PasswordExchange.blinds(of: secret.w0)
    }

    /// The key by which the server looks the user up.
    package var tag: ClientTag { ClientTag(identity, in: realm) }

    /// The hint that tells the server which realm the client means.
    package var realmHint: [UInt8] { realm.hint(cost: cost) }
}
