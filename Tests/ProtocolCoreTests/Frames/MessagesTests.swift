import ProtocolCoreTesting
import Testing
import WireCoding

@testable import ProtocolCore

@Suite struct OutgoingMessagesTests {
    @Test(arguments: Seeds.some(10)) func messagesArePutTogetherAgainHoweverTheyWereCut(seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        var outgoing = OutgoingMessages()
        var assembler = MessageAssembler()
        var sent: [SessionMessage] = []
        var received: [SessionMessage] = []
        for id in 0..<UInt64(60) {
            let count = random.chance(20) ? 0 : Int.random(in: 0...20_000, using: &random)
            let message = SessionMessage(
                type: UInt16.random(in: 0 ... .max, using: &random),
                id: random.chance(50) ? id : id | 1 << 63,
                isReply: random.chance(30),
                isError: random.chance(30),
                bytes: (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ Int(id)) }
            )
            outgoing.add(message)
            sent.append(message)
            while !outgoing.isEmpty, random.chance(60) {
                let space = Int.random(in: 530...5000, using: &random)
                let frame = next(&outgoing, space: space, credit: Int.random(in: 1...9000, using: &random))
                if let message = try add(frame, to: &assembler) { received.append(message) }
            }
        }
        while !outgoing.isEmpty {
            let frame = next(&outgoing, space: 70_000, credit: .max)
            if let message = try add(frame, to: &assembler) { received.append(message) }
        }
        #expect(received == sent)
        #expect(outgoing.bytes == 0)
    }

    @Test func whatWaitsIsCountedSoThatEmptyMessagesAreNotFree() {
        var outgoing = OutgoingMessages()
        var count = 0
        let empty = SessionMessage(type: 1, id: 1, bytes: [])
        while outgoing.hasRoom(for: empty), count < 1_000_000 {
            outgoing.add(empty)
            count += 1
        }
        #expect(count < 300_000)
        // And they all leave in a time that grows as they do, not as their square.
        while !outgoing.isEmpty { _ = next(&outgoing, space: 1024, credit: .max) }
        #expect(outgoing.bytes == 0)
        #expect(outgoing.hasRoom(for: empty))
    }
}

@Suite struct MessageAssemblerTests {
    @Test func aQuestionAndItsAnswerOfOneIdentifierAreTwoMessages() throws {
        var assembler = MessageAssembler()
        #expect(try add(part(id: 5, flags: 1, [1]), to: &assembler) == nil)
        #expect(try add(part(id: 5, flags: 2, [9]), to: &assembler)?.bytes == [9])
        #expect(try add(part(id: 5, flags: 0, [2]), to: &assembler)?.bytes == [1, 2])
    }

    @Test func identifiersThatDifferInAnyBitAreTwoMessages() throws {
        for bit in 0..<64 {
            var assembler = MessageAssembler()
            let other = UInt64(1) << UInt64(bit)
            #expect(try add(part(id: 0, flags: 1, [1]), to: &assembler) == nil)
            #expect(try add(part(id: other, flags: 1, [7]), to: &assembler) == nil)
            #expect(try add(part(id: 0, flags: 0, [2]), to: &assembler)?.bytes == [1, 2])
            #expect(try add(part(id: other, flags: 0, [8]), to: &assembler)?.bytes == [7, 8])
        }
    }

    @Test func partsThatDifferAreRefused() throws {
        var assembler = MessageAssembler()
        _ = try add(part(id: 5, type: 1, flags: 1, [1]), to: &assembler)
        #expect(throws: ProtocolViolation.malformed("MESSAGE: its parts differ")) {
            try add(part(id: 5, type: 2, flags: 0, [1]), to: &assembler)
        }
        assembler = MessageAssembler()
        _ = try add(part(id: 5, flags: 1, [1]), to: &assembler)
        #expect(throws: ProtocolViolation.malformed("MESSAGE: its parts differ")) {
            try add(part(id: 5, flags: 4, [1]), to: &assembler)
        }
    }

    @Test func aMessageBeyondAMebibyteIsRefused() throws {
        var assembler = MessageAssembler()
        let long = [UInt8](repeating: 0, count: 65_000)
        for _ in 0..<16 { _ = try add(part(id: 1, flags: 1, long), to: &assembler) }
        let rest = (1 << 20) - 16 * 65_000
        #expect(throws: ProtocolViolation.limit("MESSAGE: too long")) {
            var assembler = assembler
            try add(part(id: 1, flags: 0, [UInt8](repeating: 0, count: rest + 1)), to: &assembler)
        }
        let whole = try add(part(id: 1, flags: 0, [UInt8](repeating: 0, count: rest)), to: &assembler)
        #expect(whole?.bytes.count == 1 << 20)
    }

    @Test func sixteenMayBeInPartsAndNoMore() throws {
        var assembler = MessageAssembler()
        for id in 0..<UInt64(16) { _ = try add(part(id: id, flags: 1, [1]), to: &assembler) }
        #expect(try add(part(id: 99, flags: 0, [1]), to: &assembler)?.id == 99)
        #expect(try add(part(id: 3, flags: 1, [1]), to: &assembler) == nil)
        #expect(throws: ProtocolViolation.limit("MESSAGE: too many parts")) {
            try add(part(id: 16, flags: 1, [1]), to: &assembler)
        }
    }

    @Test func everyCutInsideThePrefixIsRefused() throws {
        for count in 0..<10 {
            var assembler = MessageAssembler()
            let cut = (Array(part(id: 1, flags: 0, []).payload.prefix(count)), UInt8(0))
            #expect(throws: ProtocolViolation.self) { try add(cut, to: &assembler) }
        }
    }
}

private typealias Part = (payload: [UInt8], flags: UInt8)

private func part(id: UInt64, type: UInt16 = 7, flags: UInt8, _ content: [UInt8]) -> Part {
    var payload: [UInt8] = []
    payload.append(bigEndian: type)
    payload.append(bigEndian: id)
    return (payload + content, flags)
}

private func next(_ outgoing: inout OutgoingMessages, space: Int, credit: Int) -> Part {
    var bytes = [UInt8](repeating: 0, count: space)
    let (frame, content) = bytes.withUnsafeMutableBytes { outgoing.writeNext(to: $0, credit: credit) }
    #expect(content <= credit)
    #expect(frame == FrameHeader.count + 10 + content)
    #expect(Int(bytes[2]) << 8 | Int(bytes[3]) == 10 + content)
    return (Array(bytes[8..<frame]), bytes[1])
}

@discardableResult
private func add(_ part: Part, to assembler: inout MessageAssembler) throws -> SessionMessage? {
    try part.payload.withUnsafeBytes {
        var reader = ByteReader($0)
        return try assembler.add(&reader, flags: part.flags)
    }
}
