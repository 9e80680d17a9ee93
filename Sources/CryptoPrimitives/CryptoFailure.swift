import COpenSSL

/// An operation that libcrypto refused, or that this module refused before calling it.
///
/// Neither text ever contains key material or input bytes, so a failure may be logged.
package struct CryptoFailure: Error, Equatable, Sendable {
    /// The operation that failed: a libcrypto function, or a description of the attempt.
    package let operation: String

    /// The reason: libcrypto's own text, or this module's if it refused the input first.
    package let reason: String

    /// Creates a failure whose reason this module knows, such as a wrong length.
    package init(operation: String, reason: String) {
        self.operation = operation
        self.reason = reason
    }

    /// Creates a failure from the error queue of the calling thread, and empties that queue.
    ///
    /// The queue is drained completely, because an entry left behind would be blamed on the next operation.
    init(draining operation: String) {
        var reasons: [String] = []
        while let reason = Self.nextQueuedReason() { reasons.append(reason) }
        self.init(
            operation: operation,
            reason: reasons.isEmpty ? "no reason given" : reasons.joined(separator: "; ")
        )
    }

    /// Stops the process after a call that fails only if memory is exhausted or this program is wrong.
    ///
    /// Swift treats its own allocations the same way. Nothing that a peer sends can cause this.
    static func trap(_ operation: String) -> Never {
        let failure = CryptoFailure(draining: operation)
        fatalError("\(failure.operation): \(failure.reason)")
    }

    private static func nextQueuedReason() -> String? {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { text in
            guard let start = text.baseAddress, sly_next_error(start, text.count) == 1 else { return nil }
            return String(cString: start)
        }
    }
}
