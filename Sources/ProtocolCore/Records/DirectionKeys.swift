package import CryptoPrimitives

/// How long one key may be used (PROTOCOL.md, Key limits).
package struct KeyLimits: Hashable, Sendable {
    /// After so many records the sender changes its key.
    package var records: UInt64
    /// After so many bytes the sender changes its key.
    package var bytes: UInt64
    /// How many times that a receiver puts up with before it closes.
    package var tolerance: UInt64 = 2

    /// 2^24 records or 64 GiB: an attacker's advantage stays below 2^-65 at any size of record.
    ///
    /// Larger would come nearer to what the cipher is good for; smaller would cost seven microseconds more
    /// often.
    package static let standard = KeyLimits(records: 1 << 24, bytes: 1 << 36)

    package init(records: UInt64, bytes: UInt64) {
        self.records = records
        self.bytes = bytes
    }
}

/// One direction's key, its record number and how far it has been used.
package struct DirectionKeys {
    private var secret: SecretBytes
    private var cipher: any RecordCipher
    private var nonce: Nonce96
    /// The number of the next record; starts at zero with every key.
    var sequence: UInt64 = 0
    private var bytes: UInt64 = 0
    private let suite: Suite
    private let limits: KeyLimits
    private let makeCipher: RecordCipherMaker

    /// Keys from a traffic secret.
    package init(
        secret: SecretBytes,
        suite: Suite,
        limits: KeyLimits,
        makeCipher: @escaping RecordCipherMaker
    ) throws(CryptoFailure) {
        self.secret = secret
        self.suite = suite
        self.limits = limits
        self.makeCipher = makeCipher
        let keys = try TrafficKeys(secret)
        cipher = try makeCipher(suite, keys.key)
        nonce = Nonce96(iv: keys.iv)
    }

    /// Whether the sender has to change its key before another record.
    var isWornOut: Bool { sequence >= limits.records || bytes >= limits.bytes }

    /// How many records may still be sealed before the key has to be changed; at least one.
    var recordsLeft: Int { Int(clamping: limits.records > sequence ? limits.records - sequence : 1) }

    /// Whether a key was used so much longer than agreed that the receiver must not go on.
    var isAbused: Bool {
        sequence >= limits.records.multipliedClamping(by: limits.tolerance)
            || bytes >= limits.bytes.multipliedClamping(by: limits.tolerance)
    }

    /// Seals a record in place; every call uses the next number, and there is none after the last.
    package mutating func seal(_ record: UnsafeMutableRawBufferPointer) -> Bool {
        guard sequence < .max, cipher.seal(record, nonce: nonce.combined(with: sequence)) else {
            return false
        }
        sequence += 1
        bytes += UInt64(record.count)
        return true
    }

    /// Opens a record in place; a record that cannot be opened does not use up its number.
    package mutating func open(_ record: UnsafeMutableRawBufferPointer) -> Bool {
        guard sequence < .max, cipher.open(record, nonce: nonce.combined(with: sequence)) else {
            return false
        }
        sequence += 1
        bytes += UInt64(record.count)
        return true
    }

    /// Goes on with the next key; the old secret and key are forgotten (PROTOCOL.md, Key schedule).
    mutating func ratchet() throws(CryptoFailure) {
        let next = try TrafficKeys.successor(of: secret)
        let keys = try TrafficKeys(next)
        cipher = try makeCipher(suite, keys.key)
        nonce = Nonce96(iv: keys.iv)
        secret = next
        sequence = 0
        bytes = 0
    }
}

extension UInt64 {
    fileprivate func multipliedClamping(by factor: UInt64) -> UInt64 {
        let (product, overflow) = multipliedReportingOverflow(by: factor)
        return overflow ? .max : product
    }
}
