package import CryptoPrimitives

/// The protection of records under one key.
///
/// It is a class, because every record passes through it and no call may allocate. Implementations are confined to one thread. A
/// record is `header(4) ‖ text ‖ tag(16)` in one run of memory.
package protocol RecordCipher: AnyObject {
    /// Protects the text in place and writes the tag behind it.
    ///
    /// - Returns: `false` only if the cryptographic library fails.
    func seal(_ record: UnsafeMutableRawBufferPointer, nonce: Nonce96) -> Bool

    /// Checks the tag and recovers the text in place.
    ///
    /// - Returns: `false` if the record differs from the sealed one; its text must not be used then.
    func open(_ record: UnsafeMutableRawBufferPointer, nonce: Nonce96) -> Bool
}

/// Makes the cipher of a suite under a key of 32 bytes.
package typealias RecordCipherMaker = @Sendable (Suite, SecretBytes) throws(CryptoFailure) -> any RecordCipher

/// Ciphers for the suites of this version.
///
/// - Parameter backend: the cryptographic library to use.
/// - Returns: a function that makes a cipher from a suite and a key.
package func recordCiphers(by backend: AEADBackend) -> RecordCipherMaker {
    { (suite, key) throws(CryptoFailure) in
        let key = try AES256GCM(key: key, backend: backend)
        return suite.hidesContent ? EncryptingCipher(key) : AuthenticatingCipher(key)
    }
}

/// The parts of a record.
private struct RecordParts {
    let header: UnsafeRawBufferPointer
    let text: UnsafeMutableRawBufferPointer
    let tag: UnsafeMutableRawPointer

    @inline(__always)
    init?(_ record: UnsafeMutableRawBufferPointer) {
        guard record.count >= RecordHeader.overhead, let base = record.baseAddress else { return nil }
        header = UnsafeRawBufferPointer(start: base, count: RecordHeader.count)
        text = UnsafeMutableRawBufferPointer(
            start: base + RecordHeader.count,
            count: record.count - RecordHeader.overhead
        )
        tag = base + record.count - RecordHeader.tagCount
    }
}

/// Suite 0101: AES-256-GCM, the header as additional data.
private final class EncryptingCipher: RecordCipher {
    private let key: AES256GCM

    init(_ key: AES256GCM) {
        self.key = key
    }

    func seal(_ record: UnsafeMutableRawBufferPointer, nonce: Nonce96) -> Bool {
        guard let parts = RecordParts(record) else { return false }
        return key.seal(parts.text, header: parts.header, nonce: nonce, tag: parts.tag)
    }

    func open(_ record: UnsafeMutableRawBufferPointer, nonce: Nonce96) -> Bool {
        guard let parts = RecordParts(record) else { return false }
        return key.open(parts.text, header: parts.header, nonce: nonce, tag: parts.tag)
    }
}

/// Suite 01F1: AES-256-GMAC over header and text; the text stays readable.
private final class AuthenticatingCipher: RecordCipher {
    private let key: AES256GCM

    init(_ key: AES256GCM) {
        self.key = key
    }

    func seal(_ record: UnsafeMutableRawBufferPointer, nonce: Nonce96) -> Bool {
        guard let parts = RecordParts(record) else { return false }
        return key.authenticate(
            UnsafeRawBufferPointer(parts.text),
            header: parts.header,
            nonce: nonce,
            tag: parts.tag
        )
    }

    func open(_ record: UnsafeMutableRawBufferPointer, nonce: Nonce96) -> Bool {
        guard let parts = RecordParts(record) else { return false }
        return key.verify(
            UnsafeRawBufferPointer(parts.text),
            header: parts.header,
            nonce: nonce,
            tag: parts.tag
        )
    }
}
