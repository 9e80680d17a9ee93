import Sallyport
import Testing

/// Payloads that a handler takes in chunks while they arrive.
@Suite struct ChunkTests {
    /// Repeats with a prime period, unlike records and chunks.
    ///
    /// It is made of blocks to be fast, because a test waits for it.
    private static let film: [UInt8] = {
        let block = (0..<65_521).map { UInt8(truncatingIfNeeded: $0 * 7 + $0 >> 11) }
        var film: [UInt8] = []
        while film.count < 12_000_000 { film += block }
        return film
    }()

    @Test func aLongPayloadIsTakenInChunksAndSlowsItsSender() async throws {
        let party = try await Party()
        let (gate, opener) = AsyncStream.makeStream(of: Void.self)
        let seen = Notes<[UInt8]>()
        let counts = Notes<Int>()
        party.server.on(chunksOf: "film") { film, _ in
            counts.add(film.byteCount)
            var chunks = film.chunks.makeAsyncIterator()
            if let first = try await chunks.next() { seen.add(first) }
            for await _ in gate {}
            while let chunk = try await chunks.next() { seen.add(chunk) }
        }
        let (client, _) = try await party.connect()
        let progress = Notes<TransferProgress>()
        let sending = Task { try await client.send("film", .bytes(Self.film)) { progress.add($0) } }
        try await eventually("the first chunk is there") { !seen.all.isEmpty }
        // The sender stops while the handler takes nothing: the rest exceeds the windows and the log.
        try await eventually("the sender waits") { (progress.all.last?.done ?? 0) > 1_000_000 }
        #expect(counts.all == [Self.film.count])
        #expect(seen.all.count == 1)
        #expect(try #require(progress.all.last).done < 8_000_000)
        opener.finish()
        try await sending.value
        try await eventually("all of it is there") { seen.all.reduce(0) { $0 + $1.count } == Self.film.count }
        #expect(seen.all.flatMap { $0 } == Self.film)
        #expect(progress.all.last == TransferProgress(done: Self.film.count, total: Self.film.count))
        #expect(progress.all.map(\.done) == progress.all.map(\.done).sorted())
        await party.server.stop()
    }

    @Test func aShortPayloadIsOneChunk() async throws {
        let party = try await Party()
        party.server.answer(chunksOf: "size") { packet, connection in
            var chunks: [[UInt8]] = []
            for try await chunk in packet.chunks { chunks.append(chunk) }
            let isSame = packet.token == connection.token && packet.sender == "alice"
            return "\(packet.action) \(packet.byteCount) \(packet.format) \(chunks.map(\.count)) \(isSame)"
        }
        let (client, _) = try await party.connect()
        #expect(try await client.request("size", "hello").text == "size 5 text [5] true")
        #expect(try await client.request("size").text == "size 0 bytes [] true")
        await party.server.stop()
    }

    @Test func aHandlerOfChunksAnswersLongRequests() async throws {
        let party = try await Party()
        party.server.answer(chunksOf: "sum") { packet, _ in
            var sum = 0
            for try await chunk in packet.chunks { sum = chunk.reduce(sum) { $0 &+ Int($1) } }
            return "\(sum)"
        }
        let (client, _) = try await party.connect()
        let wanted = "\(Self.film.reduce(0) { $0 + Int($1) })"
        try await withThrowingTaskGroup { group in
            for _ in 0..<4 {
                group.addTask {
                    let answer = try await client.request("sum", .bytes(Self.film))
                    #expect(answer.text == wanted)
                }
            }
            try await group.waitForAll()
        }
        await party.server.stop()
    }

    @Test func chunksThatAHandlerDoesNotTakeAreDropped() async throws {
        let party = try await Party()
        party.server.answer(chunksOf: "peek") { packet, _ in
            var chunks = packet.chunks.makeAsyncIterator()
            return .bytes(try await chunks.next()?.prefix(3) ?? [])
        }
        party.server.on(chunksOf: "broken") { _, _ in throw SallyportError(.init(rawValue: 1234), "no film") }
        let (client, _) = try await party.connect()
        for _ in 0..<3 {
            #expect(try await client.request("peek", .bytes(Self.film)).bytes == Array(Self.film.prefix(3)))
            try await client.deliver("peek", .bytes(Self.film))
            try await client.send("broken", .bytes(Self.film))
        }
        await expectError(.init(rawValue: 1234)) { try await client.request("broken", .bytes(Self.film)) }
        await party.server.stop()
    }

    @Test func aPayloadSurvivesLostLinks() async throws {
        let party = try await Party()
        let line = try CuttableLine(to: party.address)
        let seen = Notes<[UInt8]>()
        party.server.answer(chunksOf: "film") { film, _ in
            for try await chunk in film.chunks {
                seen.add(chunk)
                if seen.all.count % 40 == 3 { line.cut() }
            }
            return "seen"
        }
        let (client, _) = try await party.connect(by: line.address)
        #expect(try await client.request("film", .bytes(Self.film)).text == "seen")
        #expect(seen.all.flatMap { $0 } == Self.film)
        await party.server.stop()
    }

    @Test func aCancelledSendFailsAtTheHandler() async throws {
        let party = try await Party()
        let failures = Notes<SallyportError>()
        let begun = Notes<Int>()
        let (gate, opener) = AsyncStream.makeStream(of: Void.self)
        party.server.on(chunksOf: "film") { film, _ in
            begun.add(film.byteCount)
            for await _ in gate {}
            do throws(SallyportError) { for try await _ in film.chunks {} } catch { failures.add(error) }
        }
        let (client, _) = try await party.connect()
        let sending = Task { try await client.send("film", .bytes(Self.film)) }
        try await eventually("it begins") { !begun.all.isEmpty }
        sending.cancel()
        await expectError(.cancelled) { try await sending.value }
        opener.finish()
        try await eventually("the handler fails") { !failures.all.isEmpty }
        #expect(failures.all.map(\.code) == [.closed])
        await party.server.stop()
    }

    @Test func aPayloadSentBeforeACloseCanStillBeTaken() async throws {
        let party = try await Party()
        let seen = Notes<[UInt8]>()
        let (gate, opener) = AsyncStream.makeStream(of: Void.self)
        party.server.on(chunksOf: "film") { film, _ in
            for await _ in gate {}
            for try await chunk in film.chunks { seen.add(chunk) }
        }
        let (client, there) = try await party.connect()
        let film = Array(Self.film.prefix(600_000))
        try await client.send("film", .bytes(film))
        await client.close()
        try await eventually("the server knows") { !there.isOpen }
        opener.finish()
        try await eventually("all of it is there") { seen.all.reduce(0) { $0 + $1.count } == film.count }
        await party.server.stop()
    }

    @Test func readingChunksAfterTheHandlerHasReturnedFails() async throws {
        let party = try await Party()
        let (gate, opener) = AsyncStream.makeStream(of: Void.self)
        let late = Notes<Task<SallyportError?, Never>>()
        party.server.answer(chunksOf: "film") { film, _ in
            var chunks = film.chunks.makeAsyncIterator()
            let first = try await chunks.next()?.count ?? 0
            late.add(
                Task {
                    for await _ in gate {}
                    do throws(SallyportError) { for try await _ in film.chunks {} } catch { return error }
                    return nil
                }
            )
            return "\(first > 0)"
        }
        let (client, there) = try await party.connect()
        for _ in 0..<3 { #expect(try await client.request("film", .bytes(Self.film)).text == "true") }
        try await client.deliver("film", .bytes(Self.film))
        opener.finish()
        for task in late.all { #expect(await task.value?.code == .closed) }
        #expect(late.all.count == 4)
        #expect(there.isOpen)
        await party.server.stop()
    }

    @Test func aPacketIsConfirmedWhenAllOfItHasArrived() async throws {
        let party = try await Party()
        let (gate, opener) = AsyncStream.makeStream(of: Void.self)
        let begun = Notes<Int>()
        let seen = Notes<Int>()
        party.server.on(chunksOf: "film") { film, _ in
            begun.add(film.byteCount)
            for await _ in gate {}
            for try await chunk in film.chunks { seen.add(chunk.count) }
        }
        let (client, _) = try await party.connect()
        let isDelivered = Notes<Bool>()
        let delivering = Task {
            try await client.deliver("film", .bytes(Self.film))
            isDelivered.add(true)
        }
        try await eventually("it begins") { !begun.all.isEmpty }
        // The answer to this later request arrives, so a confirmation of the film would have arrived before it.
        await expectError(.unknownAction) { try await client.request("nothing") }
        #expect(isDelivered.all.isEmpty)
        opener.finish()
        try await delivering.value
        await client.close()
        try await eventually("nothing of it is lost") { seen.all.reduce(0, +) == Self.film.count }
        await party.server.stop()
    }

    @Test func aPayloadThatIsNotTakenDelaysNoOther() async throws {
        let party = try await Party()
        let (gate, opener) = AsyncStream.makeStream(of: Void.self)
        party.server.on(chunksOf: "slow") { film, _ in
            for await _ in gate {}
            for try await _ in film.chunks {}
        }
        party.server.answer(chunksOf: "fast") { film, _ in
            var count = 0
            for try await chunk in film.chunks { count += chunk.count }
            return "\(count)"
        }
        let (client, _) = try await party.connect()
        let slow = Task { try await client.send("slow", .bytes(Self.film)) }
        for _ in 0..<5 {
            #expect(try await client.request("fast", .bytes(Self.film)).text == "\(Self.film.count)")
        }
        #expect(try await client.request("fast", "abc").text == "3")
        opener.finish()
        try await slow.value
        await party.server.stop()
    }
}
