import CryptoPrimitives
import ProtocolCore

/// AES-256-GCM alone: seals and opens 64 KiB in place.
struct CipherRung: Rung {
    let name = "seal and open 64 KiB"
    let standsOn: Int? = nil
    private let key: AES256GCM
    private let memory: UnsafeMutableRawBufferPointer

    static let textCount = 65536

    init() throws {
        key = try AES256GCM(key: SystemRandom.secretBytes(count: AES256GCM.keyCount))
        memory = .allocate(byteCount: Self.textCount + 32, alignment: 4096)
        memory.initializeMemory(as: UInt8.self, repeating: 7)
    }

    func move(_ count: Int) throws {
        let nonce = Nonce96(iv: [UInt8](repeating: 1, count: 12))
        let header = UnsafeRawBufferPointer(rebasing: memory[..<4])
        let text = UnsafeMutableRawBufferPointer(rebasing: memory[4..<4 + Self.textCount])
        guard let tag = memory.baseAddress.map({ $0 + 4 + Self.textCount }) else { return }
        for number in 0..<UInt64(count / Self.textCount) {
            let nonce = nonce.combined(with: number)
            guard key.seal(text, header: header, nonce: nonce, tag: tag),
                key.open(text, header: header, nonce: nonce, tag: tag)
            else { throw BenchmarkFailure("a text could not be opened") }
        }
    }
}

/// A failure of a measured operation, which makes the measurement invalid.
struct BenchmarkFailure: Error {
    let reason: String

    init(_ reason: String) {
        self.reason = reason
    }
}

/// The work of ``CipherRung`` through the record layer: header, numbers, limits.
struct RecordRung: Rung {
    let name = "record: header, number, limits"
    let standsOn: Int? = 0
    private let keys: RecordPair

    /// The sealing end and the opening end of one direction.
    private final class RecordPair {
        var sealing: DirectionKeys
        var opening: DirectionKeys

        init() throws {
            let secret = try SystemRandom.secretBytes(count: 64)
            sealing = try Self.keys(secret)
            opening = try Self.keys(secret)
        }

        private static func keys(_ secret: SecretBytes) throws -> DirectionKeys {
            try DirectionKeys(
                secret: secret,
                suite: .encrypted,
                limits: .standard,
                makeCipher: recordCiphers(by: .libcrypto)
            )
        }
    }

    private let memory: UnsafeMutableRawBufferPointer

    init() throws {
        keys = try RecordPair()
        memory = .allocate(byteCount: CipherRung.textCount + RecordHeader.overhead, alignment: 4096)
        memory.initializeMemory(as: UInt8.self, repeating: 7)
    }

    func move(_ count: Int) throws {
        for _ in 0..<count / CipherRung.textCount {
            guard keys.sealing.seal(memory), keys.opening.open(memory) else {
                throw BenchmarkFailure("a record could not be opened")
            }
        }
    }
}
