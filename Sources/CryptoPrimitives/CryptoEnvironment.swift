import COpenSSL

/// The state of libcrypto in this process, set once at start.
///
/// Every operation of this module prepares the library if that has not been done. Preparing it first, before any other thread
/// runs, has two advantages: a library without the needed algorithms causes a clear failure at start, and secrets that are read
/// early are placed in locked memory.
package struct CryptoEnvironment: Sendable {
    /// The kind of memory that holds keys.
    package enum SecretMemory: Sendable {
        /// A separate heap, kept out of swap and core dumps.
        case locked
        /// A separate heap that the system refused to lock (see RLIMIT_MEMLOCK).
        case unlocked
        /// The ordinary heap; keys are still cleansed when they are released.
        case ordinary
    }

    /// The version of the library that was loaded, such as "OpenSSL 3.0.19 27 Jan 2026".
    package let libraryVersion: String

    /// The kind of memory that holds keys; worth a line in the log if it is not `locked`.
    package let secretMemory: SecretMemory

    /// Creates the secure heap and fetches the algorithms; later calls only report the result.
    ///
    /// Safe to call from any thread.
    /// - Throws: ``CryptoFailure`` if the library lacks an algorithm, which happens under a provider
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
