import CryptoPrimitives
import ProtocolCore

/// Why no link came about.
package enum LinkFailure: Error, Hashable, Sendable {
    /// The peer's name has no address.
    case unresolved(String)
    /// No address of the peer could be connected to.
    case unreachable(String)
    /// What was connected to was silent for too long.
    case timeout
    /// What was connected to closed the link in the middle of the handshake.
    case closed
    /// The other end does not know the password, or is not the peer.
    case passwordRefused
    /// The server belongs to another application: what it says its realm is.
    case otherApplication(String)
    /// The other end speaks another protocol or another version.
    case incompatible(String)
    /// The server turned us away for now.
    case turnedAway(String)
    /// The server that had the session has it no more: it was restarted, or has waited for long enough.
    case sessionGone
    /// What answers has not got the session; another server may have it.
    case sessionElsewhere
    /// Something that only a change of the configuration can mend.
    case misconfigured(String)
    /// Something of ours failed.
    case failed(String)

    init(_ fault: HandshakeFault) {
        switch fault {
        case .notOurProtocol: self = .incompatible("it does not speak this protocol")
        case .unexpectedMessage: self = .incompatible("a message that has no place in the handshake")
        case .malformed(let what): self = .incompatible("a message that cannot be read: \(what)")
        case .version: self = .incompatible("no common version of the protocol")
        case .suite: self = .incompatible("no common suite")
        case .invalidPoint: self = .incompatible("a share that is not on the curve")
        case .authentication: self = .passwordRefused
        case .noSession: self = .turnedAway("no such session")
        case .rejected(.authentication, _): self = .passwordRefused
        case .rejected(.version, _): self = .incompatible("the server rejects this version of the protocol")
        case .rejected(.suite, _):
            self = .incompatible("the server accepts none of our suites")
        case .rejected(let code, let seconds):
            self = .turnedAway(seconds == 0 ? code.name : "\(code.name), try again after \(seconds) s")
        case .repeatedRetry: self = .incompatible("the server asks again and again")
        case .realmDiffers: self = .misconfigured("the server's realm is not the one in `realm`")
        case .unacceptableCost:
            self = .incompatible("the server asks for a cost of stretching that is not accepted")
        case .credentialNotForThisRealm: self = .misconfigured("the credential is not for the server's realm")
        case .crypto(let failure): self = .failed("\(failure.operation): \(failure.reason)")
        }
    }

    /// Whether another address of the same peer may do better.
    var mayBeOfOneAddress: Bool {
        switch self {
        case .timeout, .closed, .incompatible, .turnedAway, .sessionGone, .sessionElsewhere: true
        case .unresolved, .unreachable, .passwordRefused, .otherApplication, .misconfigured, .failed: false
        }
    }

    /// The failure as one sentence.
    package var text: String {
        switch self {
        case .unresolved(let what): what
        case .unreachable(let what): what
        case .timeout: "the handshake took too long"
        case .closed: "closed during the handshake"
        case .passwordRefused: "the server does not know this password, or is an impostor"
        case .otherApplication(let realm): "the server belongs to another application: its realm is \(realm)"
        case .incompatible(let what): what
        case .turnedAway(let what): "turned away: \(what)"
        case .sessionGone: "the server does not have the session any more"
        case .sessionElsewhere: "the server that answers does not have the session"
        case .misconfigured(let what): what
        case .failed(let what): what
        }
    }
}
