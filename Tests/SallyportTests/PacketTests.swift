import FoundationEssentials
import Sallyport
import Testing

@Suite struct PacketTests {
    @Test func packetsArriveInOrderInBothDirections() async throws {
        let party = try await Party()
        let (client, there) = try await party.connect()
        for (from, to) in [(client, there), (there, client)] {
            let sending = Task {
                for number in 0..<20_000 { try await from.send("count", "\(number)") }
            }
            var expected = 0
            for await packet in to.packets {
                #expect(packet.text == "\(expected)")
                expected += 1
                if expected == 20_000 { break }
            }
            try await sending.value
        }
        await party.server.stop()
    }

    @Test func aPacketNamesItsSenderTimeAndConnection() async throws {
        let party = try await Party()
        let (client, there) = try await party.connect()
        try await client.send("hello", .bytes([1, 2, 3]))
        let packet = try await there.inbox.next(timeout: .seconds(5))
        #expect(packet.action == "hello" && packet.payload == .bytes([1, 2, 3]) && packet.sender == "alice")
        #expect(packet.token == there.token && packet.token != nil)
        #expect(abs(packet.created.timeIntervalSinceNow) < 60)
        #expect(client.token == nil && client.isEncrypted)
        try await there.send("back")
        #expect(try await client.inbox.next().token == nil)
        await party.server.stop()
    }

    @Test func packetsWithAHandlerAreHandledOneAtATime() async throws {
        let party = try await Party()
        let notes = Notes<String>()
        party.server.on("a", "b") { packet, _ in
            try await Task.sleep(for: .milliseconds(packet.text == "0" ? 50 : 0))
            notes.add(packet.action + (packet.text ?? ""))
        }
        let (client, there) = try await party.connect()
        for number in 0..<5 { try await client.send(number % 2 == 0 ? "a" : "b", "\(number)") }
        try await client.send("other")
        try await eventually("all are handled") { notes.all == ["a0", "b1", "a2", "b3", "a4"] }
        #expect(try await there.inbox.next().action == "other")
        await party.server.stop()
    }

    @Test func aShortPacketOvertakesALongOne() async throws {
        let party = try await Party()
        party.server.answer("turn") { packet, _ in .bytes(packet.payload.bytes.reversed()) }
        let (client, there) = try await party.connect()
        let long = (0..<5_000_000).map { UInt8(truncatingIfNeeded: $0 * 7 + $0 >> 8) }
        try await client.send("long", .bytes(long))
        try await client.send("short", "x")
        let first = try await there.inbox.next("short")
        #expect(first.text == "x")
        #expect(try await there.inbox.next("long").payload.bytes == long)
        #expect(try await client.request("turn", .bytes(long)).bytes == long.reversed())
        try await there.deliver("big", .bytes(long))
        #expect(client.inbox.takeOldest()?.payload.bytes == long)
        await party.server.stop()
    }

    @Test func bothEndsRefuseAPayloadThatIsTooLong() async throws {
        var small = ConnectionOptions()
        small.maxPayload = 200_000
        let party = try await Party(small)
        party.server.answer("huge") { _, _ in .bytes([UInt8](repeating: 1, count: 300_000)) }
        let (client, there) = try await party.connect()
        let bytes = Payload.bytes([UInt8](repeating: 1, count: 300_000))
        await expectError(.tooLarge) { try await there.send("x", bytes) }
        await expectError(.tooLarge) { try await client.request("x", bytes) }
        await expectError(.tooLarge) { try await client.request("huge") }
        await party.server.stop()
    }

    @Test func manyLongPayloadsAtOnceShareTheWindow() async throws {
        var options = ConnectionOptions()
        options.maxPayload = 1 << 20
        let party = try await Party(options)
        let (client, there) = try await party.connect()
        try await withThrowingTaskGroup { group in
            for number in 0..<20 {
                let bytes = [UInt8](repeating: UInt8(number), count: 900_000)
                group.addTask { try await client.send("long", .bytes(bytes)) }
            }
            var seen: Set<UInt8> = []
            for _ in 0..<20 {
                let packet = try await there.inbox.next(timeout: .seconds(20))
                #expect(packet.payload.bytes.count == 900_000)
                seen.formUnion(packet.payload.bytes)
            }
            #expect(seen == Set(0..<20))
            try await group.waitForAll()
        }
        await party.server.stop()
    }
}
