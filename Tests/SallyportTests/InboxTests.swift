import Sallyport
import Testing

@Suite struct InboxTests {
    private func party(_ overflow: Inbox.Overflow) async throws -> (Party, Connection, Connection) {
        var options = ConnectionOptions()
        options.overflow = overflow
        options.window = 128 << 10
        let party = try await Party(options)
        let (client, there) = try await party.connect()
        return (party, client, there)
    }

    @Test func aSlowReceiverSlowsItsSenderAndLosesNothing() async throws {
        let (party, client, there) = try await party(.wait)
        let sent = Notes<Int>()
        let sending = Task {
            for number in 0..<3000 {
                try await client.send("x", .bytes([UInt8](repeating: UInt8(number % 251), count: 1000)))
                sent.add(number)
            }
        }
        try await eventually("the sender is held up") {
            let before = sent.all.count
            try await Task.sleep(for: .milliseconds(100))
            return before > 0 && before == sent.all.count
        }
        #expect(sent.all.count < 3000)
        // Requests use another stream, so they are not delayed.
        await expectError(.unknownAction) { try await client.request("nothing", timeout: .seconds(5)) }
        for number in 0..<3000 {
            let packet = try await there.inbox.next(timeout: .seconds(5))
            #expect(packet.payload.bytes.first == UInt8(number % 251))
        }
        try await sending.value
        await party.server.stop()
    }

    @Test func dropOldestDropsTheOldestPackets() async throws {
        let (party, client, there) = try await party(.dropOldest(capacity: 10))
        for number in 0..<500 { try await client.send("x", "\(number)") }
        try await client.deliver("last")
        #expect(there.inbox.count == 10 && there.inbox.droppedCount == 491)
        #expect(there.inbox[0]?.text == "491" && there.inbox[9]?.action == "last" && there.inbox[10] == nil)
        #expect(there.inbox.takeNewest()?.action == "last")
        #expect(there.inbox.takeOldest()?.text == "491")
        await party.server.stop()
    }

    @Test func refuseRefusesPacketsBeyondTheCapacity() async throws {
        let (party, client, there) = try await party(.refuse(capacity: 3))
        for number in 0..<3 { try await client.deliver("x", "\(number)") }
        await expectError(.refused) { try await client.deliver("x", "3") }
        #expect(there.inbox.count == 3 && there.inbox.droppedCount == 1)
        #expect(there.inbox.takeOldest()?.text == "0")
        try await client.deliver("x", "4")
        await party.server.stop()
    }

    @Test func waitingEndsWithATimeoutOrTheConnection() async throws {
        let (party, client, there) = try await party(.wait)
        await expectError(.timeout) { try await there.inbox.next(timeout: .milliseconds(20)) }
        let other = Task { try await there.inbox.next("never") }
        try await client.send("here")
        try await eventually("it is here") { there.inbox.count == 1 }
        await client.close("enough")
        await expectError(.closed) { try await other.value }
        #expect(try await there.inbox.next().action == "here")
        await expectError(.closed) { try await there.inbox.next() }
        await party.server.stop()
    }

    @Test func theServerTakesTheOldestAndTheNewestOfAllConnections() async throws {
        let party = try await Party()
        let (first, _) = try await party.connect()
        let (second, _) = try await party.connect()
        for number in 0..<4 { try await (number % 2 == 0 ? first : second).deliver("x", "\(number)") }
        #expect(party.server.takeOldest()?.text == "0")
        #expect(party.server.takeNewest()?.text == "3")
        #expect(party.server.takeOldest()?.text == "1")
        #expect(party.server.takeOldest()?.text == "2")
        #expect(party.server.takeOldest() == nil)
        await party.server.stop()
    }
}
