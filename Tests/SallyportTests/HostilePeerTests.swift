import Testing

@testable import Sallyport

/// Authenticated peers that break every other rule.
@Suite struct HostilePeerTests {
    private func bytes(_ items: Item...) -> [UInt8] {
        var bytes: [UInt8] = []
        for item in items { item.append(to: &bytes) }
        return bytes
    }

    /// Expects that the server still works.
    private func expectHealth(of party: Party) async throws {
        party.server.answer("health") { _, _ in "well" }
        let (client, _) = try await party.connect()
        #expect(try await client.request("health", timeout: .seconds(60)).text == "well")
        await client.close()
    }

    @Test func aMisplacedItemEndsItsConnectionOnly() async throws {
        let party = try await Party()
        let misplaced = Item(.reply, number: 1)
        let rests = [
            bytes(misplaced, Item(.packet, number: 2, action: "x")),
            bytes(misplaced, misplaced),
            // More than one frame, read in one turn.
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

    @Test func aServerThatBreaksTheRulesLosesOnlyItsConnection() async throws {
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

    @Test func repeatedRequestNumbersDoNotMultiplyHandlers() async throws {
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

    @Test func longPayloadsThatNobodyTakesStayAtTheirSender() async throws {
        var options = ConnectionOptions()
        options.maxPayload = 1 << 20
        let party = try await Party(options)
        let (client, there) = try await party.connect()
        let payload = Payload.bytes([UInt8](repeating: 1, count: 400_000))
        let sending = Task { for _ in 0..<20 { try await client.send("x", payload) } }
        try await eventually("as many are there as there is room for") { there.inbox.count == 2 }
        try await Task.sleep(for: .milliseconds(200))
        #expect(there.inbox.count == 2)
        for _ in 0..<20 { _ = try await there.inbox.next(timeout: .seconds(60)) }
        try await sending.value
        await party.server.stop()
    }

    @Test func aShortPayloadSentAsALongOneIsMalformed() async throws {
        let party = try await Party()
        let (client, there) = try await party.connect()
        let item = Item(.packet, number: 1, action: "x", payload: "short")
        client.loop.perform(
            .connection(client.id, .sendLong(LongSend(item: item, progress: nil, isWithdrawn: nil) { _ in }))
        )
        try await eventually("it is over") { !there.isOpen }
        #expect(there.endReason?.code == .malformed)
        await party.server.stop()
    }

    @Test func aClientThatDoesNotReadImmediateAnswersDoesNotHarmTheServer() async throws {
        var options = ConnectionOptions()
        options.window = 256 << 10
        let party = try await Party(options)
        party.server.answerAtOnce("much") { _, _ in .bytes([UInt8](repeating: 7, count: 60_000)) }
        let (client, there) = try await party.connect()
        // The client takes no answers: their stream gets no more credit.
        for number in 0..<2000 {
            client.callOutbox.sendAtOnce(Item(.request, number: UInt64(number), action: "much"))
        }
        try await eventually("all are answered, or it is let go") {
            !there.isOpen || there.replyOutbox.hasSpace
        }
        try await expectHealth(of: party)
        await party.server.stop()
    }

    /// Opens a stream for a long payload directly, without the library's own sender.
    private func longStream(of client: Connection) async throws -> ByteStream {
        let result = await withCheckedContinuation { continuation in
            let request = OpenRequest(number: 0, service: "sallyport.long", isWithdrawn: Flag()) {
                continuation.resume(returning: $0)
            }
            client.loop.perform(.connection(client.id, .open(request)))
        }
        return try result.get()
    }

    @Test(arguments: ["chunks", "inbox"]) func aWrongPayloadLengthEndsTheConnection(
        action: String
    ) async throws {
        let party = try await Party()
        let failures = Notes<SallyportError>()
        let begun = Notes<Int>()
        party.server.on(chunksOf: "chunks") { packet, _ in
            begun.add(packet.byteCount)
            do throws(SallyportError) { for try await _ in packet.chunks {} } catch { failures.add(error) }
        }
        let payload = Payload.bytes([UInt8](repeating: 1, count: 100_000))
        let head = LongHead.encoded(Item(.packet, number: 9, action: action, payload: payload))
        for count in [0, 99_999, 100_001, 300_000] {
            let (client, there) = try await party.connect()
            let stream = try await longStream(of: client)
            // The connection may end before all bytes are written.
            try? await stream.write(head + [UInt8](repeating: 1, count: count))
            stream.finish()
            try await eventually("it is over") { !there.isOpen }
            #expect(there.endReason?.code == .malformed)
            #expect(there.inbox.count == 0)
        }
        if action == "chunks" {
            try await eventually("every handler fails") { failures.all.count == begun.all.count }
            #expect(failures.all.allSatisfy { $0.code == .malformed })
        }
        // A length far above the limit is refused before any byte of the payload arrives.
        var tooLong = head
        tooLong.replaceSubrange(0..<8, with: [0x7F] + [UInt8](repeating: 0xFF, count: 7))
        let (client, there) = try await party.connect()
        let stream = try await longStream(of: client)
        try await stream.write(tooLong)
        await expectError(.closed) { try await stream.read() }
        #expect(there.isOpen)
        try await expectHealth(of: party)
        await party.server.stop()
    }

    /// The number of payloads that handlers are taking in chunks.
    private func intakes(of connection: Connection) async -> Int {
        await withCheckedContinuation { continuation in
            connection.loop.perform(
                .inspect { [id = connection.id] in
                    continuation.resume(returning: $0.drivers[id]?.intakes.count ?? 0)
                }
            )
        }
    }

    @Test func aPayloadResetBeforeItsHandlerBeginsStillCounts() async throws {
        var options = ConnectionOptions()
        options.concurrentRequests = 1
        let party = try await Party(options)
        let (gate, opener) = AsyncStream.makeStream(of: Void.self)
        let handled = Notes<SallyportError.Code?>()
        party.server.on(chunksOf: "x") { packet, _ in
            for await _ in gate {}
            do throws(SallyportError) {
                for try await _ in packet.chunks {}
                handled.add(nil)
            } catch { handled.add(error.code) }
        }
        let (client, there) = try await party.connect()
        let payload = Payload.bytes([UInt8](repeating: 1, count: 400_000))
        let head = LongHead.encoded(Item(.packet, number: 9, action: "x", payload: payload))
        var begun = 0
        for _ in 0..<1500 {
            guard let stream = try? await longStream(of: client) else { break }
            try await stream.write(head + [UInt8](repeating: 1, count: 2000))
            begun += 1
            // The payload reaches the server before the client resets its stream.
            while await intakes(of: there) < begun { try await Task.sleep(for: .milliseconds(1)) }
            stream.reset()
        }
        #expect(begun > 900 && begun <= 1024)
        #expect(await intakes(of: there) == begun)
        opener.finish()
        try await eventually("each handler ends") { handled.all.count == begun }
        try await eventually("all are gone") { await intakes(of: there) == 0 }
        #expect(handled.all.allSatisfy { $0 == .closed })
        try await expectHealth(of: party)
        #expect(there.isOpen)
        await party.server.stop()
    }

    @Test func handlersThatTakeNothingDoNotBlockRequests() async throws {
        let party = try await Party()
        let (gate, opener) = AsyncStream.makeStream(of: Void.self)
        party.server.on(chunksOf: "x") { _, _ in for await _ in gate {} }
        party.server.answer("ping") { _, _ in "pong" }
        let (client, there) = try await party.connect()
        let payload = Payload.bytes([UInt8](repeating: 1, count: 400_000))
        // Far more payloads than handlers that run at a time: each payload has a stream until its handler has taken it.
        let sending = (0..<400).map { _ in Task { try await client.send("x", payload) } }
        for _ in 0..<50 { #expect(try await client.request("ping").text == "pong") }
        #expect(await intakes(of: there) <= 1024)
        opener.finish()
        for task in sending { try await task.value }
        try await eventually("all are gone") { await intakes(of: there) == 0 }
        await party.server.stop()
    }

    @Test func manyLongPayloadsAtOnceDoNotBlockRequests() async throws {
        var options = ConnectionOptions()
        options.maxPayload = 3 << 20
        let party = try await Party(options)
        party.server.answer("ping") { _, _ in "pong" }
        let (client, there) = try await party.connect()
        let payload = Payload.bytes([UInt8](repeating: 1, count: 3_000_000))
        let sending = (0..<60).map { _ in Task { try await client.send("x", payload) } }
        for _ in 0..<60 {
            #expect(try await client.request("ping", timeout: .seconds(60)).text == "pong")
            _ = try await there.inbox.next(timeout: .seconds(60))
        }
        for task in sending { try await task.value }
        await party.server.stop()
    }

    @Test func anApplicationCannotOpenReservedStreams() async throws {
        let party = try await Party()
        party.server.answer("x") { _, _ in "y" }
        let (client, _) = try await party.connect()
        // The application asks for a stream with a reserved name.
        await expectError(.invalidArgument) { try await client.openStream("sallyport.long") }
        await party.server.stop()
    }
}
