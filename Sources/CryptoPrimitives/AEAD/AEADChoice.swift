/// Which library is to do AES-256-GCM, as somebody wants it.
package enum AEADChoice: String, CaseIterable, Hashable, Sendable {
    /// The fastest that can be used here.
    case auto
    /// The one that is always there.
    case libcrypto
    /// The fast one, or nothing.
    case ipsecMB = "ipsec-mb"

    /// Every library computes the same, so there is no reason to take a slow one.
    package static let `default` = AEADChoice.auto

    /// What it comes to on this machine; loads and tests a library when it is first asked for.
    ///
    /// - Throws: ``CryptoFailure`` when what is wanted cannot be used here.
    package func backend() throws(CryptoFailure) -> AEADBackend {
        switch self {
        case .auto: .fastest
        case .libcrypto: .libcrypto
        case .ipsecMB: try AEADBackend.ipsecMB.get()
        }
    }
}
