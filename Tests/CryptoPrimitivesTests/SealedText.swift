import CryptoPrimitives

/// A ciphertext and its tag as arrays, so that a test can say what it means without pointers.
struct SealedText: Equatable {
    var text: [UInt8]
    var tag: [UInt8]
}

extension AES256GCM {
    /// Seals a copy of `plaintext`; nil when that is refused.
    func seal(_ plaintext: [UInt8], header: [UInt8], nonce: Nonce96) -> SealedText? {
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

    /// Opens a copy of the text; gives what the buffer held afterwards, whatever the answer was.
    func open(_ sealed: SealedText, header: [UInt8], nonce: Nonce96) -> (accepted: Bool, buffer: [UInt8]) {
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

    /// Authenticates a text that stays readable; gives the text as it is afterwards, and its tag.
    func authenticate(_ text: [UInt8], header: [UInt8], nonce: Nonce96) -> SealedText? {
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

    /// Whether the tag is right for the readable text.
    func verify(_ sealed: SealedText, header: [UInt8], nonce: Nonce96) -> Bool {
        sealed.text.withUnsafeBytes { text in
            header.withUnsafeBytes { header in
                sealed.tag.withUnsafeBytes { tag in
                    tag.baseAddress.map { verify(text, header: header, nonce: nonce, tag: $0) } ?? false
                }
            }
        }
    }
}
