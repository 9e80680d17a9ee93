import CryptoPrimitives
import ProtocolCore

/// The reason why no link could be established.
package enum LinkFailure: Error, Hashable, Sendable {
    /// The peer's name has no address.
    case unresolved(String)
    /// No address of the peer accepted a connection.
    case unreachable(String)
    /// The other end did not complete the handshake in time.
    case timeout
    /// The other end closed the connection during the handshake.
    case closed
    /// The other end does not know the password, or is not the peer.
    case passwordRefused
    /// The server belongs to another application; the value is the server's realm.
    case otherApplication(String)
    /// The other end speaks another protocol or another version.
    case incompatible(String)
    /// The server rejected the client for now.
    case rejected(String)
    /// The server that had the session does not have it any more: the server was restarted, or the session's time without a link
    /// was over.
    case sessionGone
    /// The server that answered does not have the session; another server may have it.
    case sessionElsewhere
    /// A fault that only a change of the configuration can fix.
    case misconfigured(String)
    /// A failure at this end.
    case failed(String)

    init(_ fault: HandshakeFault) {
        switch fault {
        case .notOurProtocol: self = .incompatible("the server does not speak this protocol")
        case .unexpectedMessage: self = .incompatible("unexpected message in the handshake")
        case .malformed(let what): self = .incompatible("malformed message: \(what)")
        case .version: self = .incompatible("no common version of the protocol")
        case .suite: self = .incompatible("no common suite")
        case .invalidPoint: self = .incompatible("the key share is not on the curve")
        case .authentication: self = .passwordRefused
        case .noSession: self = .rejected("no such session")
        case .rejected(.authentication, _): self = .passwordRefused
        case .rejected(.version, _): self = .incompatible("the server rejects this version of the protocol")
        case .rejected(.suite, _):
            self = .incompatible("the server accepts none of our suites")
        case .rejected(let code, let seconds):
            self = .rejected(seconds == 0 ? code.name : "\(code.name), try again after \(seconds) s")
        case .repeatedRetry: self = .incompatible("the server sent the same kind of Retry twice")
        case .realmDiffers: self = .misconfigured("the server's realm is not the one in `realm`")
        case .unacceptableCost:
            self = .incompatible("the server asks for an scrypt cost that is not accepted")
        case .credentialNotForThisRealm: self = .misconfigured("the credential is not for the server's realm")
        case .crypto(let failure): self = .failed("\(failure.operation): \(failure.reason)")
        }
    }

    /// Whether another address of the same peer may succeed.
    var mayBeOfOneAddress: Bool {
        switch self {
        case .timeout, .closed, .incompatible, .rejected, .sessionGone, .sessionElsewhere: true
        case .unresolved, .unreachable, .passwordRefused, .otherApplication, .misconfigured, .failed: false
        }
    }

    /// The failure as one clause.
    package var text: String {
        switch self {
        case .unresolved(let what): what
        case .unreachable(let what): what
        case .timeout: "the handshake took too long"
        case .closed: "closed during the handshake"
        case .passwordRefused: "the server does not know this password, or is an impostor"
        case .otherApplication(let realm): "the server belongs to another application: its realm is \(realm)"
        case .incompatible(let what): what
        case .rejected(let what): "rejected by server: \(what)"
        case .sessionGone: "the server does not have the session any more"
        case .sessionElsewhere: "the server that answers does not have the session"
        case .misconfigured(let what): what
        case .failed(let what): what
        }
    }
}
