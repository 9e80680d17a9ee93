package import CryptoPrimitives

/// Why a handshake cannot go on.
package enum HandshakeFault: Error, Equatable, Sendable {
    /// The first bytes are not ours: another protocol, or noise.
    case notOurProtocol
    /// A message that has no place here.
    case unexpectedMessage
    /// A message that cannot be read; the text says what of it.
    case malformed(String)
    /// The peer speaks no version that we speak.
    case version
    /// The peer has no suite that we accept, or chose one that we did not offer.
    case suite
    /// A point that is not an uncompressed point of the curve.
    case invalidPoint
    /// The other end does not know the password, or somebody is in the middle.
    case authentication
    /// There is no such session to attach to.
    case noSession
    /// The server turned us away, with a hint that nobody vouches for.
    case rejected(RejectCode, retryAfterSeconds: UInt16)
    /// The server asked a second time for what a connection may be asked for once.
    case repeatedRetry
    /// The server's realm is not the one that is configured.
    case realmDiffers
    /// The server asks for a cost of stretching that we do not accept.
    case unacceptableCost
    /// The realm or the cost is unknown to us and the credential was given ready-made.
    case credentialNotForThisRealm
    /// libcrypto failed at something that cannot fail for a reason of the peer's.
    case crypto(CryptoFailure)

    /// What the server tells the client, if it tells anything; strangers learn nothing.
    package var reject: RejectCode? {
        switch self {
        case .version: .version
        case .suite: .suite
        case .authentication: .authentication
        case .noSession: .noSession
        case .crypto: .busy
        case .notOurProtocol, .unexpectedMessage, .malformed, .invalidPoint, .rejected, .repeatedRetry,
            .realmDiffers, .unacceptableCost, .credentialNotForThisRealm:
            nil
        }
    }
}

/// Runs a step that can fail only inside the cryptographic library.
func orCryptoFault<T>(_ step: () throws(CryptoFailure) -> T) throws(HandshakeFault) -> T {
    do { return try step() } catch { throw .crypto(error) }
}
