import COpenSSL

/// AES-256-GCM (NIST SP 800-38D) under one key at a time, with 96-bit nonces and 128-bit tags.
///
/// Text is sealed and opened in place; the caller chooses where the tag is stored. A call allocates nothing: it only sets a new
/// nonce in the existing cipher context. The header is authenticated, not encrypted.
///
/// Confined to one thread at a time. The caller must never seal twice with the same nonce under one key: that would reveal the
/// authentication key.
package final class AES256GCM {
    /// The length of a key, in bytes.
    package static let keyCount = 32

    /// The length of a nonce, in bytes.
    package static let nonceCount = Nonce96.count

    /// The length of a tag, in bytes.
    package static let tagCount = 16

    /// The maximum length of a text or header, 16 MiB: far above any use, far below the limit of 32-bit lengths.
    package static let maxText = 1 << 24

    private let context: OpaquePointer
    private let calls: AEADCalls

    /// Creates the cipher context.
    ///
    /// - Parameters:
    ///   - key: Exactly 32 bytes.
    ///   - backend: The library that encrypts.
    /// - Throws: ``CryptoFailure`` if the key has another length, or if the library fails.
    package init(key: SecretBytes, backend: AEADBackend = .libcrypto) throws(CryptoFailure) {
        calls = backend.calls
        guard let context = calls.make() else { throw CryptoFailure(draining: "making a cipher context") }
        self.context = context
        try replaceKey(key)
    }

    deinit { calls.free(context) }

    /// Replaces the key in the same context; after a failure of the library, nothing more can be sealed or opened.
    ///
    /// - Parameter key: Exactly 32 bytes.
    /// - Throws: ``CryptoFailure`` if the key has another length (the old key then stays in use), or if the
    ///   library fails.
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
    ///   - text: The plaintext, replaced by ciphertext of the same length; may be empty.
    ///   - header: Authenticated but not encrypted; may be empty.
    ///   - nonce: Never used before under this key.
    ///   - tag: Receives 16 bytes. May be directly after the text.
    /// - Returns: False if the library fails or a length is above ``maxText``; the text is then cleansed.
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
    ///   - text: The ciphertext, replaced by plaintext of the same length; may be empty.
    ///   - header: The header that was authenticated with the text.
    ///   - nonce: The nonce that the text was sealed with.
    ///   - tag: The expected 16 bytes.
    /// - Returns: False if the tag does not match key, nonce, header and text; the text is then cleansed, so that no byte of a
    ///   forgery can be used by mistake.
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

    /// Writes the tag over header and text without encrypting either (GMAC: integrity only).
    ///
    /// Header and text are authenticated as one run of bytes. The tag does not cover the border between them, so the header must
    /// state its own length or that of the text.
    ///
    /// - Parameters:
    ///   - text: Additional data; not changed.
    ///   - header: Authenticated before the text.
    ///   - nonce: Never used before under this key.
    ///   - tag: Receives 16 bytes.
    /// - Returns: False if the library fails or a length is above ``maxText``.
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

    /// Checks the tag that ``authenticate(_:header:nonce:tag:)`` wrote.
    ///
    /// - Parameters:
    ///   - text: The text that was authenticated; never changed, whatever the result.
    ///   - header: The header that was authenticated before the text.
    ///   - nonce: The nonce that the tag was made with.
    ///   - tag: The expected 16 bytes.
    /// - Returns: False if the tag does not match key, nonce, header and text.
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

    /// Whether the library has written outside its memory.
    var hasOverrun: Bool { calls.overran?(context) == 1 }
}
