/// The configured choice of the library for AES-256-GCM.
package enum AEADChoice: String, CaseIterable, Hashable, Sendable {
    /// The fastest library that this machine can use.
    case auto
    /// libcrypto, which is always present.
    case libcrypto
    /// Intel's IPsec Multi-Buffer library, without a fallback.
    case ipsecMB = "ipsec-mb"

    /// The fastest library: all of them compute the same result, so there is no reason to use a slow one.
    package static let `default` = AEADChoice.auto

    /// Returns the chosen library; the first call loads and tests it.
    ///
    /// - Throws: ``CryptoFailure`` if this machine cannot use the chosen library.
    package func backend() throws(CryptoFailure) -> AEADBackend {
        switch self {
        case .auto: .fastest
        case .libcrypto: .libcrypto
        case .ipsecMB: try AEADBackend.ipsecMB.get()
        }
    }
}
