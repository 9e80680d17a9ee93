import COpenSSL

/// What libcrypto refused, or what was refused before it was asked.
///
/// Neither text ever holds key material or input bytes, so a failure may be logged.
package struct CryptoFailure: Error, Equatable, Sendable {
    /// The operation that failed: a libcrypto function, or what was attempted in words.
    package let operation: String

    /// Why: libcrypto's own words, or ours when the input was refused first.
    package let reason: String

    /// Makes a failure whose reason is known here, such as a wrong length.
    package init(operation: String, reason: String) {
        self.operation = operation
        self.reason = reason
    }

    /// Makes a failure from the error queue of the calling thread, and empties that queue.
    ///
    /// The queue is drained to the end because an entry left behind would be blamed on the next operation.
    init(draining operation: String) {
        var reasons: [String] = []
        while let reason = Self.nextQueuedReason() { reasons.append(reason) }
        self.init(
            operation: operation,
            reason: reasons.isEmpty ? "no reason given" : reasons.joined(separator: "; ")
        )
    }

    /// Stops the process over a call that fails only for want of memory, or by our own mistake.
    ///
    /// Swift treats its own allocations the same way. Nothing that a peer sends can lead here.
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
