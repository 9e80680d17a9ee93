/// A text and its tag as arrays, so that tests need no pointers.
///
/// It is for tests, including the self-test of a library at start; records are never copied into arrays.
package struct SealedText: Equatable {
    /// The ciphertext, or the plaintext that is only authenticated.
    package var text: [UInt8]
    /// The tag of the text.
    package var tag: [UInt8]

    /// A text with its tag.
    package init(text: [UInt8], tag: [UInt8]) {
        self.text = text
        self.tag = tag
    }
}

extension AES256GCM {
    /// Seals a copy of `plaintext`; returns nil if that fails.
    package func seal(_ plaintext: [UInt8], header: [UInt8], nonce: Nonce96) -> SealedText? {
        var sealed = SealedText(text: plaintext, tag: [UInt8](repeating: 0, count: Self.tagCount))
        let done = sealed.text.withUnsafeMutableBytes { text in
            header.withUnsafeBytes { header in
                sealed.tag.withUnsafeMutableBytes { tag in
                    tag.baseAddress.map { seal(text, header: header, nonce: nonce, tag: $0) } ?? false
                }
            }
        }
        return done ? sealed : nil
    }

    /// Opens a copy of the text; returns the result and the content of the buffer after the call.
    package func open(
        _ sealed: SealedText,
        header: [UInt8],
        nonce: Nonce96
    ) -> (accepted: Bool, buffer: [UInt8]) {
        var buffer = sealed.text
        let accepted = buffer.withUnsafeMutableBytes { text in
            header.withUnsafeBytes { header in
                sealed.tag.withUnsafeBytes { tag in
                    tag.baseAddress.map { open(text, header: header, nonce: nonce, tag: $0) } ?? false
                }
            }
        }
        return (accepted, buffer)
    }

    /// Authenticates a text without encrypting it; returns the text after the call, and its tag.
    package func authenticate(_ text: [UInt8], header: [UInt8], nonce: Nonce96) -> SealedText? {
        var tag = [UInt8](repeating: 0, count: Self.tagCount)
        let done = text.withUnsafeBytes { text in
            header.withUnsafeBytes { header in
                tag.withUnsafeMutableBytes { tag in
                    tag.baseAddress.map { authenticate(text, header: header, nonce: nonce, tag: $0) } ?? false
                }
            }
        }
        return done ? SealedText(text: text, tag: tag) : nil
    }

    /// Whether the tag is correct for the unencrypted text.
    package func verify(_ sealed: SealedText, header: [UInt8], nonce: Nonce96) -> Bool {
        sealed.text.withUnsafeBytes { text in
            header.withUnsafeBytes { header in
                sealed.tag.withUnsafeBytes { tag in
                    tag.baseAddress.map { verify(text, header: header, nonce: nonce, tag: $0) } ?? false
                }
            }
        }
    }
}
