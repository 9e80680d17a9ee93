import Testing

@testable import Sallyport

/// Peers that know a password and keep to nothing else.
@Suite struct HostilePeerTests {
    private func bytes(_ items: Item...) -> [UInt8] {
        var bytes: [UInt8] = []
        for item in items { item.append(to: &bytes) }
        return bytes
    }

    /// The server is as well as it was before.
    private func expectHealth(of party: Party) async throws {
        party.server.answer("health") { _, _ in "well" }
        let (client, _) = try await party.connect()
        #expect(try await client.request("health", timeout: .seconds(5)).text == "well")
        await client.close()
    }

    @Test func anItemThatHasNoPlaceEndsTheConnectionAndNothingElse() async throws {
        let party = try await Party()
        let misplaced = Item(.reply, number: 1)
        let rests = [
            bytes(misplaced, Item(.packet, number: 2, action: "x")),
            bytes(misplaced, misplaced),
            // More than one frame, read at once.
            bytes(
                misplaced,
                Item(.packet, number: 2, action: "x", payload: .bytes([UInt8](repeating: 0, count: 60_000)))
            ),
            [0, 0, 0, 1, 9], [0xFF, 0xFF, 0xFF, 0xFF],
            bytes(Item(.packet, number: 1)), bytes(Item(.welcome, number: 0)),
        ]
        for rest in rests {
            let (client, there) = try await party.connect()
            try await client.packetOutbox.write(rest)
            try await eventually("it is over") { !client.isOpen && !there.isOpen }
            #expect(there.endReason?.code == .malformed)
            #expect(client.endReason?.code == .malformed)
        }
        try await expectHealth(of: party)
        await party.server.stop()
    }

    @Test func aServerThatBreaksTheRulesDoesNotBringItsClientDown() async throws {
        let party = try await Party()
        for _ in 0..<5 {
            let (client, there) = try await party.connect()
            try await there.packetOutbox.write(
                bytes(Item(.request, number: 1, action: "x"), Item(.welcome, number: 0))
            )
            try await eventually("it is over") { !client.isOpen && !there.isOpen }
        }
        try await expectHealth(of: party)
        await party.server.stop()
    }

    @Test func repeatedNumbersDoNotMultiplyHandlers() async throws {
        var options = ConnectionOptions()
        options.concurrentRequests = 4
        let party = try await Party(options)
        let running = Notes<Int>()
        party.server.answer("q") { _, _ in
            running.add(1)
            try await Task.sleep(for: .milliseconds(1))
            running.add(-1)
            return .empty
        }
        let (client, _) = try await party.connect()
        for _ in 0..<200 { client.callOutbox.sendAtOnce(Item(.request, number: 7, action: "q")) }
        try await eventually("all are done") { running.all.count == 400 }
        var now = 0
        for change in running.all {
            now += change
            #expect(now <= 4)
        }
        try await expectHealth(of: party)
        await party.server.stop()
    }

    @Test func longPayloadsThatNobodyTakesAreHeldBackAtTheirSender() async throws {
        var options = ConnectionOptions()
        options.longestPayload = 1 << 20
        let party = try await Party(options)
        let (client, there) = try await party.connect()
        let payload = Payload.bytes([UInt8](repeating: 1, count: 400_000))
        let sending = Task { for _ in 0..<20 { try await client.send("x", payload) } }
        try await eventually("as many are there as there is room for") { there.inbox.count == 2 }
        try await Task.sleep(for: .milliseconds(200))
        #expect(there.inbox.count == 2)
        for _ in 0..<20 { _ = try await there.inbox.next(timeout: .seconds(10)) }
        try await sending.value
        await party.server.stop()
    }

    @Test func aShortPayloadIsNotTakenAsALongOne() async throws {
        let party = try await Party()
        let (client, there) = try await party.connect()
        let item = Item(.packet, number: 1, action: "x", payload: "short")
        client.loop.perform { [id = client.id] in $0.drivers[id]?.sendLong(item) { _ in } }
        try await eventually("it is over") { !there.isOpen }
        #expect(there.endReason?.code == .malformed)
        await party.server.stop()
    }

    @Test func manyLongPayloadsAtOnceHoldUpNothingElse() async throws {
        var options = ConnectionOptions()
        options.longestPayload = 3 << 20
        let party = try await Party(options)
        party.server.answer("ping") { _, _ in "pong" }
        let (client, there) = try await party.connect()
        let payload = Payload.bytes([UInt8](repeating: 1, count: 3_000_000))
        let sending = (0..<60).map { _ in Task { try await client.send("x", payload) } }
        for _ in 0..<60 {
            #expect(try await client.request("ping", timeout: .seconds(5)).text == "pong")
            _ = try await there.inbox.next(timeout: .seconds(10))
        }
        for task in sending { try await task.value }
        await party.server.stop()
    }

    @Test func whoHasNotSaidThatItTalksInMessagesIsNotAnswered() async throws {
        let party = try await Party()
        party.server.answer("x") { _, _ in "y" }
        let (client, _) = try await party.connect()
        // A stream that looks like one of ours, opened by hand.
        await expectError(.invalidArgument) { try await client.openStream("sallyport.long") }
        await party.server.stop()
    }
}
