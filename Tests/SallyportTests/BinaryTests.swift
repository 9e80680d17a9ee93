import ProtocolCoreTesting
import Sallyport
import Testing

@Suite struct BinaryTests {
    @Test func writtenValuesAreReadBack() throws {
        for seed in 0..<200 as Range<UInt64> {
            var random = SplitMix(seed: seed)
            let (small, large) = (Int8(truncatingIfNeeded: random.next()), random.next())
            let text = String(repeating: "ä", count: Int(large % 50))
            let data = (0..<Int(large % 300)).map { UInt8(truncatingIfNeeded: $0) }
            var writer = BinaryWriter()
            writer.integer(small)
            writer.integer(large)
            writer.integer(Int32(truncatingIfNeeded: large))
            writer.integer(UInt128(large) << 50)
            writer.bool(large % 2 == 0)
            writer.double(Double(small) / 3)
            writer.string(text)
            writer.data(data)
            writer.bytes([1, 2])
            var reader = BinaryReader(writer.payload)
            #expect(try reader.integer() == small)
            #expect(try reader.integer() == large)
            #expect(try reader.integer() == Int32(truncatingIfNeeded: large))
            #expect(try reader.integer() == UInt128(large) << 50)
            #expect(try reader.bool() == (large % 2 == 0))
            #expect(try reader.double() == Double(small) / 3)
            #expect(try reader.string() == text)
            #expect(try reader.data() == data)
            #expect(try reader.bytes(2) == [1, 2])
            #expect(reader.isAtEnd)
        }
    }

    @Test func aFailedReadConsumesNothing() throws {
        var reader = BinaryReader([0, 0, 0, 9, 0xFF, 2])
        #expect(throws: SallyportError.self) { try reader.data() }
        #expect(throws: SallyportError.self) { try reader.integer(UInt64.self) }
        #expect(throws: SallyportError.self) { try reader.bytes(7) }
        #expect(throws: SallyportError.self) { try reader.bytes(-1) }
        #expect(reader.remaining == 6)
        #expect(try reader.integer(UInt32.self) == 9)
        #expect(throws: SallyportError.self) { try reader.bool() }
        #expect(try reader.bytes(1) == [0xFF])
        #expect(throws: SallyportError.self) { try reader.bool() }
        var text = BinaryReader([0, 0, 0, 1, 0xFF])
        #expect(throws: SallyportError.self) { try text.string() }
        #expect(try text.data() == [0xFF])
        var long = BinaryReader([0, 0, 0, 2, 1, 2])
        #expect(throws: SallyportError.self) { try long.data(atMost: 1) }
        #expect(try long.data(atMost: 2) == [1, 2])
    }
}
