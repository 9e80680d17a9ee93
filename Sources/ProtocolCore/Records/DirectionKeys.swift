package import CryptoPrimitives

/// The limits on the use of one key (PROTOCOL.md, Key limits).
package struct KeyLimits: Hashable, Sendable {
    /// The number of records after which the sender changes its key.
    package var records: UInt64
    /// The number of bytes after which the sender changes its key.
    package var bytes: UInt64
    /// The multiple of these limits at which the receiver closes the session, because the peer has not changed its key.
    package var tolerance: UInt64 = 2

    /// 2^24 records or 64 GiB: an attacker's advantage stays below 2^-65 for any size of record.
    ///
    /// Larger: closer to the limits of the cipher. Smaller: the seven microseconds of a key change come more often.
    package static let standard = KeyLimits(records: 1 << 24, bytes: 1 << 36)

    package init(records: UInt64, bytes: UInt64) {
        self.records = records
        self.bytes = bytes
    }
}

/// The key of one direction, its record number, and the amount of its use.
package struct DirectionKeys {
    private var secret: SecretBytes
    private var cipher: any RecordCipher
    private var nonce: Nonce96
    /// The number of the next record; it starts at zero with every key.
    var sequence: UInt64 = 0
    private var bytes: UInt64 = 0
    private let suite: Suite
    private let limits: KeyLimits
    private let makeCipher: RecordCipherMaker

    /// Derives the keys from a traffic secret.
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

    /// Whether the sender has to change its key before the next record.
    var isWornOut: Bool { sequence >= limits.records || bytes >= limits.bytes }

    /// The number of records that may still be sealed before the key has to be changed; at least one.
    var recordsLeft: Int { Int(clamping: limits.records > sequence ? limits.records - sequence : 1) }

    /// Whether the peer has used a key so far beyond the limits that the receiver must stop.
    var isAbused: Bool {
        sequence >= limits.records.multipliedClamping(by: limits.tolerance)
            || bytes >= limits.bytes.multipliedClamping(by: limits.tolerance)
    }

    /// Seals a record in place with the next number; fails if the numbers of the key are used up.
    package mutating func seal(_ record: UnsafeMutableRawBufferPointer) -> Bool {
        guard sequence < .max, cipher.seal(record, nonce: nonce.combined(with: sequence)) else {
            return false
        }
        sequence += 1
        bytes += UInt64(record.count)
        return true
    }

    /// Opens a record in place; a record that cannot be opened does not use up a number.
    package mutating func open(_ record: UnsafeMutableRawBufferPointer) -> Bool {
        guard sequence < .max, cipher.open(record, nonce: nonce.combined(with: sequence)) else {
            return false
        }
        sequence += 1
        bytes += UInt64(record.count)
        return true
    }

    /// Changes to the next key and drops the old secret and key (PROTOCOL.md, Key schedule).
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
