import CryptoPrimitives
import EventIO

/// The versions of the program and of its libraries on this machine, for bug reports.
struct VersionText: CustomStringConvertible {
    let description: String

    init(_ version: String) {
        let libcrypto =
            switch Result(catching: { () throws(CryptoFailure) in try CryptoEnvironment.prepare() }) {
            case .success(let environment): environment.libraryVersion
            case .failure(let failure): "cannot be used: \(failure.reason)"
            }
        let fast =
            switch AEADBackend.ipsecMB {
            case .success: ""
            case .failure(let failure): " (ipsec-mb cannot be used: \(failure.reason))"
            }
        description = """
            sallyport \(version)
            libcrypto: \(libcrypto)
            libuv: \(EventLoop.libraryVersion)
            AES-256-GCM: \(AEADBackend.fastest)\(fast)
            """
    }
}
