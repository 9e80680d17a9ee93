import CryptoPrimitives
import ProtocolCoreTesting
import Testing

@testable import ProtocolCore

@Suite struct DirectionKeysTests {
    @Test(arguments: [Suite.encrypted, .integrityOnly])
    func aFlippedBitAnywhereIsDetected(suite: Suite) throws {
        var sender = try keys(suite)
        let plaintext = Array("a record of some bytes".utf8)
        let record = try sender.sealed(plaintext)
        for index in record.indices {
            for bit in 0..<8 {
                var receiver = try keys(suite)
                var damaged = record
                damaged[index] ^= 1 << UInt8(bit)
                expect(!damaged.withUnsafeMutableBytes { receiver.open($0) }, "byte \(index), bit \(bit)")
                // The genuine record still opens: a forgery does not use up a record number.
                var real = record
                expect(real.withUnsafeMutableBytes { receiver.open($0) })
            }
        }
    }

    @Test func onlyTheIntegrityOnlySuiteLeavesTheTextReadable() throws {
        let plaintext = Array("a record of some bytes".utf8)
        var encrypting = try keys(.encrypted)
        var authenticating = try keys(.integrityOnly)
        #expect(try Array(encrypting.sealed(plaintext)[4..<26]) != plaintext)
        #expect(try Array(authenticating.sealed(plaintext)[4..<26]) == plaintext)
    }

    @Test func droppedRepeatedOrSwappedRecordsAreDetected() throws {
        var sender = try keys()
        let records = try (0..<4).map { try sender.sealed([UInt8($0)]) }
        func opens(_ order: [Int]) throws -> [Bool] {
            var receiver = try keys()
            return order.map {
                var record = records[$0]
                return record.withUnsafeMutableBytes { receiver.open($0) }
            }
        }
        #expect(try opens([0, 1, 2, 3]) == [true, true, true, true])
        #expect(try opens([0, 2]) == [true, false])
        #expect(try opens([0, 0]) == [true, false])
        #expect(try opens([1, 0]) == [false, true])
    }

    @Test func aRecordDoesNotOpenUnderAnotherKey() throws {
        var sender = try keys()
        let old = try sender.sealed([1, 2, 3])
        try sender.ratchet()
        let new = try sender.sealed([1, 2, 3])
        #expect(old != new)
        var receiver = try keys()
        var record = new
        expect(!record.withUnsafeMutableBytes { receiver.open($0) })
        try receiver.ratchet()
        record = old
        expect(!record.withUnsafeMutableBytes { receiver.open($0) })
        record = new
        expect(record.withUnsafeMutableBytes { receiver.open($0) })
    }

    @Test func theLastRecordNumberIsNeverUsed() throws {
        var keys = try keys()
        keys.sequence = .max - 1
        _ = try keys.sealed([1])
        #expect(keys.sequence == .max)
        var record = [UInt8](repeating: 0, count: 21)
        expect(!record.withUnsafeMutableBytes { keys.seal($0) })
        expect(!record.withUnsafeMutableBytes { keys.open($0) })
        #expect(keys.sequence == .max)
    }

    @Test func aKeyWearsOutByRecordsAndByBytes() throws {
        var byRecords = try keys(limits: KeyLimits(records: 3, bytes: 1 << 40))
        for left in [3, 2, 1] {
            #expect(!byRecords.isWornOut)
            #expect(byRecords.recordsLeft == left)
            _ = try byRecords.sealed([1])
        }
        #expect(byRecords.isWornOut)
        #expect(byRecords.recordsLeft == 1)
        try byRecords.ratchet()
        #expect(!byRecords.isWornOut)

        var byBytes = try keys(limits: KeyLimits(records: 1 << 40, bytes: 60))
        _ = try byBytes.sealed([UInt8](repeating: 0, count: 39))
        #expect(!byBytes.isWornOut)
        _ = try byBytes.sealed([1])
        #expect(byBytes.isWornOut)
        #expect(!byBytes.isAbused)
        _ = try byBytes.sealed([UInt8](repeating: 0, count: 40))
        #expect(byBytes.isAbused)
    }

    @Test func theLargestLimitsDoNotOverflow() throws {
        var limits = KeyLimits(records: .max, bytes: .max)
        limits.tolerance = .max
        let keys = try keys(limits: limits)
        #expect(!keys.isAbused)
        #expect(!keys.isWornOut)
        #expect(keys.recordsLeft == .max)
    }

    @Test func aHundredThousandRatchetsKeepBothEndsInSync() throws {
        var sender = try keys()
        var receiver = try keys()
        var seen: Set<[UInt8]> = []
        for step in 0..<100_000 {
            try sender.ratchet()
            try receiver.ratchet()
            guard step % 1000 == 999 else { continue }
            var record = try sender.sealed([UInt8](repeating: 0, count: 32))
            expect(seen.insert(record).inserted, "a key came back after \(step) ratchets")
            expect(record.withUnsafeMutableBytes { receiver.open($0) })
        }
    }

    private func keys(_ suite: Suite = .encrypted, limits: KeyLimits = .standard) throws -> DirectionKeys {
        try DirectionKeys(
            secret: SecretBytes([UInt8](repeating: 3, count: 64)),
            suite: suite,
            limits: limits,
            makeCipher: recordCiphers(by: .libcrypto)
        )
    }
}
