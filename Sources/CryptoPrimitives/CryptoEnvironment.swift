import COpenSSL

/// The state of libcrypto in this process, settled once at start.
///
/// Every operation of this module prepares the library by itself when nobody has; doing it first, before any
/// other thread runs, makes a library without the needed algorithms a clear failure at start and gives the
/// secrets that are read early a place in locked memory.
package struct CryptoEnvironment: Sendable {
    /// Where key memory lives.
    package enum SecretMemory: Sendable {
        /// A separate heap, kept out of swap and core dumps.
        case locked
        /// A separate heap that the system would not lock (see RLIMIT_MEMLOCK).
        case unlocked
        /// The ordinary heap; still cleansed on release.
        case ordinary
    }

    /// The version of the library that was loaded, such as "OpenSSL 3.0.19 27 Jan 2026".
    package let libraryVersion: String

    /// Where key memory lives; worth a line in the log when it is not `locked`.
    package let secretMemory: SecretMemory

    /// Makes the secure heap and fetches the algorithms; any further call only reports.
    ///
    /// Safe to call from any thread.
    /// - Throws: ``CryptoFailure`` when the library lacks an algorithm, which happens under a provider
    ///   configuration that leaves out the default one.
    @discardableResult
    package static func prepare() throws(CryptoFailure) -> CryptoEnvironment {
        guard sly_prepare() == 1 else { throw CryptoFailure(draining: "fetching the algorithms") }
        return CryptoEnvironment(libraryVersion: version, secretMemory: secretMemory)
    }

    private static var version: String {
        OpenSSL_version(OPENSSL_VERSION).map { String(cString: $0) } ?? "unknown"
    }

    private static var secretMemory: SecretMemory {
        switch Int(sly_heap_state()) {
        case SLY_HEAP_LOCKED: .locked
        case SLY_HEAP_UNLOCKED: .unlocked
        default: .ordinary
        }
    }
}
