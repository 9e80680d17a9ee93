import Sallyport
import Synchronization
import Testing

@Suite struct RequestTests {
    private struct Sum: Codable, Sendable {
        var left: Int
        var right: Int
    }

    @Test func aRequestIsAnsweredByTheHandlerOfItsAction() async throws {
        let party = try await Party()
        party.server.answer("chat") { packet, _ in "hello \(packet.sender), you said \(packet.text ?? "?")" }
        party.server.answer("add", Sum.self) { sum, _ in sum.left + sum.right }
        let (client, _) = try await party.connect()
        #expect(try await client.request("chat", "hi").text == "hello alice, you said hi")
        #expect(try await client.request("add", Sum(left: 2, right: 3), returning: Int.self) == 5)
        await party.server.stop()
    }

    @Test func theServerCanSendRequestsToAClient() async throws {
        let party = try await Party()
        let (_, there) = try await party.connect { client in client.answer("name") { _, _ in "a client" } }
        #expect(try await there.request("name").text == "a client")
        await party.server.stop()
    }

    @Test func twentyThousandConcurrentRequestsEachGetTheirOwnAnswer() async throws {
        let party = try await Party()
        party.server.answer("double") { packet, _ in "\((Int(packet.text ?? "") ?? -1) * 2)" }
        let (client, _) = try await party.connect()
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in 0..<20_000 {
                group.addTask { try await client.request("double", "\(number)").text == "\(number * 2)" }
            }
            for try await isRight in group { #expect(isRight) }
        }
        await party.server.stop()
    }

    @Test func aHundredThousandRequestsInFlightEachGetTheirOwnAnswer() async throws {
        let count = 100_000
        var options = ConnectionOptions()
        options.concurrentRequests = count
        options.window = 64 << 20
        options.requestTimeout = .seconds(120)
        let party = try await Party(options)
        let (gate, opener) = AsyncStream.makeStream(of: Void.self)
        let opened = Task { for await _ in gate {} }
        let asked = Atomic<Int>(0)
        party.server.answer("rotate") { packet, _ in
            // No request is answered before all have arrived.
            if asked.add(1, ordering: .relaxed).newValue == count { opener.finish() }
            await opened.value
            return "\(((Int(packet.text ?? "") ?? -1) + 1) % count)"
        }
        let (client, _) = try await party.connect(options)
        // A task group of this size would be slower than the requests themselves.
        let asking = (0..<count).map { number in
            Task { try await client.request("rotate", "\(number)").text == "\((number + 1) % count)" }
        }
        var right = 0
        for task in asking where try await task.value { right += 1 }
        #expect(right == count)
        await party.server.stop()
    }

    @Test func immediateHandlersBehaveLikeOtherHandlers() async throws {
        let party = try await Party()
        let seen = Notes<String>()
        party.server.answerAtOnce("at once", "also") { packet, connection in
            seen.add("\(packet.action) \(packet.text ?? "?") \(connection.user)")
            switch packet.text {
            case "fail": throw SallyportError(.init(rawValue: 1234), "as asked")
            case "break": throw CancellationError()
            case "much": return .bytes([UInt8](repeating: 7, count: 65536))
            case "too much": return .bytes([UInt8](repeating: 7, count: 65537))
            default: return "\(packet.action)!"
            }
        }
        let (client, there) = try await party.connect()
        #expect(try await client.request("at once", "a").text == "at once!")
        #expect(try await client.request("also", "much").bytes.count == 65536)
        await expectError(.tooLarge) { try await client.request("also", "too much") }
        await expectError(.init(rawValue: 1234)) { try await client.request("also", "fail") }
        await expectError(.handlerFailed) { try await client.request("also", "break") }
        // Packets are handled in the same way, in order, and long ones when they are complete.
        for number in 0..<100 { try await client.send("at once", "\(number)") }
        try await client.deliver("at once", "last")
        let long = String(repeating: "x", count: 100_000)
        #expect(try await client.request("at once", .text(long)).text == "at once!")
        let numbered = (0..<100).map { "at once \($0) alice" } + ["at once last alice"]
        #expect(Array(seen.all.dropFirst(5).prefix(101)) == numbered)
        #expect(seen.all.last == "at once \(long) alice")
        #expect(there.isOpen && there.inbox.count == 0)
        // Many requests at a time, in both directions.
        client.answerAtOnce("back") { packet, _ in packet.payload }
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in 0..<5000 {
                group.addTask { try await client.request("also", "\(number)").text == "also!" }
                group.addTask { try await there.request("back", "\(number)").text == "\(number)" }
            }
            for try await isRight in group { #expect(isRight) }
        }
        await party.server.stop()
    }

    @Test func everyFailureHasACode() async throws {
        struct Broken: Error {}
        let party = try await Party()
        party.server.answer("broken") { _, _ in throw Broken() }
        party.server.answer("full") { _, _ in
            throw SallyportError(SallyportError.Code(rawValue: 1234), "no tea left")
        }
        let (client, _) = try await party.connect()
        await expectError(.unknownAction) { try await client.request("nothing") }
        await expectError(.handlerFailed) { try await client.request("broken") }
        do {
            _ = try await client.request("full")
            Issue.record("no error")
        } catch {
            #expect(error.code.rawValue == 1234)
            #expect(error.message == "no tea left")
        }
        await expectError(.invalidArgument) { try await client.request("") }
        await expectError(.invalidArgument) {
            try await client.request(String(repeating: "x", count: 256))
        }
        party.server.removeHandlers("broken")
        await expectError(.unknownAction) { try await client.request("broken") }
        await party.server.stop()
    }

    @Test func aRequestThatTakesTooLongFailsAndItsHandlerIsCancelled() async throws {
        let party = try await Party()
        let notes = Notes<String>()
        party.server.answer("slow") { _, _ in
            notes.add("begun")
            do { try await Task.sleep(for: .seconds(60)) } catch { notes.add("cancelled") }
            return .empty
        }
        let (client, _) = try await party.connect()
        await expectError(.timeout) { try await client.request("slow", timeout: .milliseconds(50)) }
        try await eventually("the handler is cancelled") { notes.all == ["begun", "cancelled"] }
        let task = Task { try await client.request("slow") }
        try await eventually("it is handled") { notes.all.last == "begun" }
        task.cancel()
        await expectError(.cancelled) { try await task.value }
        try await eventually("the handler is cancelled") {
            notes.all == ["begun", "cancelled", "begun", "cancelled"]
        }
        await party.server.stop()
    }

    @Test func atMostConcurrentRequestsAreHandledAtATime() async throws {
        var options = ConnectionOptions()
        options.concurrentRequests = 3
        let party = try await Party(options)
        let running = Notes<Int>()
        party.server.answer("work") { _, _ in
            running.add(1)
            try await Task.sleep(for: .milliseconds(20))
            defer { running.add(-1) }
            return .empty
        }
        let (client, _) = try await party.connect()
        try await withThrowingTaskGroup { group in
            for _ in 0..<20 { group.addTask { _ = try await client.request("work") } }
            try await group.waitForAll()
        }
        var now = 0
        var most = 0
        for change in running.all {
            now += change
            most = max(most, now)
        }
        #expect(most == 3)
        await party.server.stop()
    }
}
