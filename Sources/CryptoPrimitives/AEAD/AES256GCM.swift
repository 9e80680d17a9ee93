import COpenSSL

/// AES-256-GCM (NIST SP 800-38D) under one key at a time, with 96-bit nonces and 128-bit tags.
///
/// Text is sealed and opened in place; the caller places the tag. Nothing is allocated per call: the
/// cipher context is only given a new nonce. The header is authenticated, not encrypted.
///
/// Confined to one thread at a time. Whoever seals must never use a nonce twice under one key: that would
/// give away the authentication key.
package final class AES256GCM {
    /// How many bytes a key has.
    package static let keyCount = 32

    /// How many bytes a nonce has.
    package static let nonceCount = Nonce96.count

    /// How many bytes a tag has.
    package static let tagCount = 16

    /// The longest text or header that is taken, 16 MiB: far above any use, far below 32-bit lengths.
    package static let maxText = 1 << 24

    private let context: OpaquePointer
    private let calls: AEADCalls

    /// Makes the context.
    ///
    /// - Parameters:
    ///   - key: Exactly 32 bytes.
    ///   - backend: The library that does the work.
    /// - Throws: ``CryptoFailure`` for a key of another length, or when the library refuses.
    package init(key: SecretBytes, backend: AEADBackend = .libcrypto) throws(CryptoFailure) {
        calls = backend.calls
        guard let context = calls.make() else { throw CryptoFailure(draining: "making a cipher context") }
        self.context = context
        try replaceKey(key)
    }

    deinit { calls.free(context) }

    /// Goes on with another key, in the same context; after a failure nothing more can be sealed or opened.
    ///
    /// - Parameter key: Exactly 32 bytes.
    /// - Throws: ``CryptoFailure`` for a key of another length (the old key then stays), or when the
    ///   library refuses.
    package func replaceKey(_ key: SecretBytes) throws(CryptoFailure) {
        guard key.count == Self.keyCount else {
            throw CryptoFailure(
                operation: "AES-256-GCM key",
                reason: "\(key.count) bytes instead of \(Self.keyCount)"
            )
        }
        guard key.withUnsafeBytes({ calls.setKey(context, $0.baseAddress) }) == 1 else {
            throw CryptoFailure(draining: "installing a key")
        }
    }

    /// Encrypts `text` in place and writes its tag.
    ///
    /// - Parameters:
    ///   - text: The plaintext, replaced by as many bytes of ciphertext; may be empty.
    ///   - header: Authenticated as it is; may be empty.
    ///   - nonce: Never used before under this key.
    ///   - tag: Receives 16 bytes. May lie right behind the text.
    /// - Returns: False when the library fails or a length is above ``maxText``; the text is then cleansed.
    package func seal(
        _ text: UnsafeMutableRawBufferPointer,
        header: UnsafeRawBufferPointer,
        nonce: Nonce96,
        tag: UnsafeMutableRawPointer
    ) -> Bool {
        guard Self.accepts(text.count, header.count) else { return Self.refuse(text) }
        return nonce.withUnsafeBytes { nonce in
            calls.seal(
                context,
                nonce.baseAddress,
                header.baseAddress,
                header.count,
                text.baseAddress,
                text.count,
                tag
            )
        } == 1
    }

    /// Decrypts `text` in place and checks its tag.
    ///
    /// - Parameters:
    ///   - text: The ciphertext, replaced by as many bytes of plaintext; may be empty.
    ///   - header: The bytes that were authenticated with it.
    ///   - nonce: The one it was sealed with.
    ///   - tag: 16 bytes to compare with.
    /// - Returns: False when anything does not fit together; the text has then been cleansed, so that no byte
    ///   of a forgery can be used by mistake.
    package func open(
        _ text: UnsafeMutableRawBufferPointer,
        header: UnsafeRawBufferPointer,
        nonce: Nonce96,
        tag: UnsafeRawPointer
    ) -> Bool {
        guard Self.accepts(text.count, header.count) else { return Self.refuse(text) }
        return nonce.withUnsafeBytes { nonce in
            calls.open(
                context,
                nonce.baseAddress,
                header.baseAddress,
                header.count,
                text.baseAddress,
                text.count,
                tag
            )
        } == 1
    }

    /// Writes the tag over header and text, and leaves both readable (GMAC: integrity only).
    ///
    /// Header and text are authenticated as one run of bytes: where the one ends is not part of it, so the
    /// header must say how long it or the text is.
    ///
    /// - Parameters:
    ///   - text: Additional data; not changed.
    ///   - header: Authenticated before the text.
    ///   - nonce: Never used before under this key.
    ///   - tag: Receives 16 bytes.
    /// - Returns: False when the library fails or a length is above ``maxText``.
    package func authenticate(
        _ text: UnsafeRawBufferPointer,
        header: UnsafeRawBufferPointer,
        nonce: Nonce96,
        tag: UnsafeMutableRawPointer
    ) -> Bool {
        guard Self.accepts(text.count, header.count) else { return false }
        return nonce.withUnsafeBytes { nonce in
            calls.authenticate(
                context,
                nonce.baseAddress,
                header.baseAddress,
                header.count,
                text.baseAddress,
                text.count,
                tag
            )
        } == 1
    }

    /// Checks what ``authenticate(_:header:nonce:tag:)`` wrote.
    ///
    /// - Parameters:
    ///   - text: The bytes that were authenticated; not changed, whatever the answer.
    ///   - header: The bytes that were authenticated before the text.
    ///   - nonce: The one the tag was made with.
    ///   - tag: 16 bytes to compare with.
    /// - Returns: False when anything does not fit together.
    package func verify(
        _ text: UnsafeRawBufferPointer,
        header: UnsafeRawBufferPointer,
        nonce: Nonce96,
        tag: UnsafeRawPointer
    ) -> Bool {
        guard Self.accepts(text.count, header.count) else { return false }
        return nonce.withUnsafeBytes { nonce in
            calls.verify(
                context,
                nonce.baseAddress,
                header.baseAddress,
                header.count,
                text.baseAddress,
                text.count,
                tag
            )
        } == 1
    }

    private static func accepts(_ text: Int, _ header: Int) -> Bool {
        text <= maxText && header <= maxText
    }

    private static func refuse(_ text: UnsafeMutableRawBufferPointer) -> Bool {
        OPENSSL_cleanse(text.baseAddress, text.count)
        return false
    }

    /// Whether the library has written outside of its memory.
    var hasOverrun: Bool { calls.overran?(context) == 1 }
}
