import COpenSSL

/// The scratch numbers of one curve operation: owns a BN_CTX, which is cleansed on release.
struct NumberScratch: ~Copyable {
    let context: OpaquePointer

    private init(_ context: OpaquePointer) { self.context = context }

    deinit { BN_CTX_free(context) }

    /// Runs an operation on scratch numbers from the secure heap, or from ordinary memory if that heap is full.
    ///
    /// libcrypto does not fall back by itself, and all threads share the heap, so a failed operation runs a second time
    /// without it. An operation that fails again is out of memory: the process stops.
    ///
    /// - Parameters:
    ///   - operation: The name that the message shows if the process stops.
    ///   - body: Does the work and returns 1, or 0 for a failure; may run twice.
    static func run(_ operation: String, _ body: (OpaquePointer) -> Int32) {
        if sly_numbers_fit_secure_heap() == 1, attempt(BN_CTX_secure_new(), body) { return }
        ERR_clear_error()
        guard attempt(BN_CTX_new(), body) else { CryptoFailure.trap(operation) }
    }

    private static func attempt(_ context: OpaquePointer?, _ body: (OpaquePointer) -> Int32) -> Bool {
        guard let context else { return false }
        let scratch = NumberScratch(context)
        return body(scratch.context) == 1
    }
}
