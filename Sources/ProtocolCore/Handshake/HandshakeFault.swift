package import CryptoPrimitives

/// The reason why a handshake cannot go on.
package enum HandshakeFault: Error, Equatable, Sendable {
    /// The first bytes do not belong to this protocol: they are another protocol, or noise.
    case notOurProtocol
    /// A message that is not allowed at this point.
    case unexpectedMessage
    /// A message that cannot be parsed; the text names the part.
    case malformed(String)
    /// The peer speaks no version that this end speaks.
    case version
    /// The peer has no suite that this end accepts, or chose one that this end did not offer.
    case suite
    /// A point that is not an uncompressed point of the curve.
    case invalidPoint
    /// The other end does not know the password, or an attacker is in the middle.
    case authentication
    /// There is no such session to resume.
    case noSession
    /// The server rejected the client; the code and the time are hints that are not authenticated.
    case rejected(RejectCode, retryAfterSeconds: UInt16)
    /// A second Retry for the same reason, which a link allows only once.
    case repeatedRetry
    /// The server's realm is not the configured one.
    case realmDiffers
    /// The server asks for a cost of stretching that this end does not accept.
    case unacceptableCost
    /// The realm or the cost is not that of the credential, which was given ready-made.
    case credentialNotForThisRealm
    /// libcrypto failed at an operation that no input from the peer can make fail.
    case crypto(CryptoFailure)

    /// The code that the server sends to the client, or `nil` if an unauthenticated client must learn nothing.
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
