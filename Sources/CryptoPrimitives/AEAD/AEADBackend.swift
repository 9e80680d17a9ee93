import CIPsecMB
import COpenSSL

/// A library that implements AES-256-GCM.
///
/// libcrypto is always present. Intel's IPsec Multi-Buffer library is several times as fast on processors with VAES and
/// AVX-512; it is used where it is installed and passes its self-test. Both compute the same bytes.
package struct AEADBackend: Sendable, CustomStringConvertible {
    /// The supported libraries.
    package enum Name: String, CaseIterable, Hashable, Sendable {
        case libcrypto
        case ipsecMB = "ipsec-mb"
    }

    /// The library's name.
    package let name: Name
    /// The version that was loaded, such as "1.3.0".
    package let version: String
    /// The library's functions.
    let calls: AEADCalls

    init(name: Name, version: String, calls: AEADCalls) {
        self.name = name
        self.version = version
        self.calls = calls
    }

    /// libcrypto, which is always present.
    package static let libcrypto = AEADBackend(
        name: .libcrypto,
        version: OpenSSL_version(OPENSSL_VERSION_STRING).map { String(cString: $0) } ?? "unknown",
        calls: .libcrypto
    )

    /// Intel's library, if this machine can use it; the first access loads and tests it, once per process.
    ///
    /// Safe from any thread.
    package static let ipsecMB: Result<AEADBackend, CryptoFailure> = {
        do throws(CryptoFailure) {
            return .success(try load())
        } catch {
            return .failure(error)
        }
    }()

    /// The name and version, for logs and messages.
    package var description: String { "\(name.rawValue) \(version)" }

    /// The fastest library that this machine can use.
    package static var fastest: AEADBackend {
        (try? ipsecMB.get()) ?? .libcrypto
    }

    /// All libraries that this machine can use.
    package static var usable: [AEADBackend] {
        [.libcrypto] + [ipsecMB].compactMap { try? $0.get() }
    }

    private static func load() throws(CryptoFailure) -> AEADBackend {
        let state = Int(sly_mb_load())
        guard state == SLY_MB_LOADED else {
            throw CryptoFailure(operation: "ipsec-mb", reason: reason(state))
        }
        let loaded = AEADBackend(
            name: .ipsecMB,
            version: sly_mb_version().map { String(cString: $0) } ?? "unknown",
            calls: .ipsecMB
        )
        try AEADSelfTest(loaded).run()
        return loaded
    }

    private static func reason(_ state: Int) -> String {
        switch state {
        case SLY_MB_MISSING: "libIPSec_MB.so.1 is not installed (Debian: libipsec-mb1)"
        case SLY_MB_NO_INSTRUCTIONS: "the processor has no VAES or no AVX-512"
        default: "libIPSec_MB.so.1 lacks functions that are needed"
        }
    }
}

/// The functions that every library provides, with the signatures of COpenSSL.h.
struct AEADCalls: Sendable {
    typealias SetKey = @convention(c) (OpaquePointer?, UnsafeRawPointer?) -> Int32
    typealias Change =
        @convention(c) (
            OpaquePointer?, UnsafeRawPointer?, UnsafeRawPointer?, Int, UnsafeMutableRawPointer?, Int,
            UnsafeMutableRawPointer?
        ) -> Int32
    typealias ChangeBack =
        @convention(c) (
            OpaquePointer?, UnsafeRawPointer?, UnsafeRawPointer?, Int, UnsafeMutableRawPointer?, Int,
            UnsafeRawPointer?
        ) -> Int32
    typealias MakeTag =
        @convention(c) (
            OpaquePointer?, UnsafeRawPointer?, UnsafeRawPointer?, Int, UnsafeRawPointer?, Int,
            UnsafeMutableRawPointer?
        ) -> Int32
    typealias CheckTag =
        @convention(c) (
            OpaquePointer?, UnsafeRawPointer?, UnsafeRawPointer?, Int, UnsafeRawPointer?, Int,
            UnsafeRawPointer?
        ) -> Int32

    var make: @convention(c) () -> OpaquePointer?
    var free: @convention(c) (OpaquePointer?) -> Void
    var setKey: SetKey
    var seal: Change
    var open: ChangeBack
    var authenticate: MakeTag
    var verify: CheckTag
    /// Whether the library has written outside the memory that it was given; nil for a library that allocates its own memory.
    var overran: (@convention(c) (OpaquePointer?) -> Int32)?

    static let libcrypto = AEADCalls(
        make: sly_gcm_new,
        free: sly_gcm_free,
        setKey: sly_gcm_set_key,
        seal: sly_gcm_seal,
        open: sly_gcm_open,
        authenticate: sly_gcm_authenticate,
        verify: sly_gcm_verify,
        overran: nil
    )

    static let ipsecMB = AEADCalls(
        make: sly_mb_gcm_new,
        free: sly_mb_gcm_free,
        setKey: sly_mb_gcm_set_key,
        seal: sly_mb_gcm_seal,
        open: sly_mb_gcm_open,
        authenticate: sly_mb_gcm_authenticate,
        verify: sly_mb_gcm_verify,
        overran: sly_mb_gcm_overran
    )
}
