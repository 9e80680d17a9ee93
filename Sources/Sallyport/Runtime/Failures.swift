import EventIO
import SecureLink
import SystemPackage
import Vocabulary

// Conversion of other modules' errors to errors of this library.

extension DetachedSocket {
    /// Takes over a socket that the application has connected.
    static func adopting(fromApplication file: FileDescriptor) throws(SallyportError) -> DetachedSocket {
        do throws(SystemFailure) { return try DetachedSocket(adopting: file) } catch {
            throw SallyportError(
                .invalidArgument,
                "not a connected stream socket: \(error.description)",
                cause: error
            )
        }
    }
}

extension SallyportError {
    init(_ failure: SystemFailure) {
        self.init(.system, failure.description, cause: failure)
    }

    init(_ fault: CredentialFault) {
        self.init(.credentials, fault.text, cause: fault)
    }

    init(_ fault: EndpointFault) {
        self.init(.invalidArgument, fault.description, cause: fault)
    }

    init(_ failure: LinkFailure) {
        let code: Code =
            switch failure {
            case .unresolved, .unreachable, .closed, .rejected: .cannotConnect
            case .timeout: .timeout
            case .passwordRefused: .wrongPassword
            case .otherApplication: .otherApplication
            case .incompatible: .incompatible
            case .sessionGone, .sessionElsewhere: .linkLost
            case .misconfigured: .credentials
            case .failed: .system
            }
        self.init(code, failure.text, cause: failure)
    }

    init(_ reason: SessionEnd) {
        let text = reason.text.isEmpty ? "" : ": \(reason.text)"
        switch reason.kind {
        case .closedByPeer:
            self.init(.closed, "the other end has closed the connection" + text, cause: reason)
        case .closedByUs: self.init(.closed, "closed here" + text, cause: reason)
        case .violation:
            self.init(.malformed, "the connection was broken off (\(reason.reason))" + text, cause: reason)
        case .linkLost: self.init(.linkLost, "the link was lost" + text, cause: reason)
        }
    }
}
