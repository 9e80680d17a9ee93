import Testing

@testable import Sallyport

/// Waits that must end, and data that must not be lost when they do.
@Suite struct EndingTests {
    @Test func timeoutsHoldIfTheOtherEndTakesNothing() async throws {
        let party = try await Party()
        let (client, there) = try await party.connect()
        let payload = Payload.bytes([UInt8](repeating: 1, count: 60_000))
        let filling = Task { while true { try await client.send("x", payload) } }
        try await eventually("nothing more is taken") {
            let count = there.inbox.count
            try await Task.sleep(for: .milliseconds(100))
            return count > 10 && count == there.inbox.count
        }
        let begin = ContinuousClock.now
        await expectError(.timeout) { try await client.deliver("y", timeout: .milliseconds(200)) }
        await expectError(.timeout) { try await client.deliver("y", timeout: .milliseconds(200)) }
        #expect(ContinuousClock.now - begin < .seconds(5))
        filling.cancel()
        await expectError(.cancelled) { try await filling.value }
        await party.server.stop()
    }

    @Test func theSmallestWindowIsEnoughForTheLongestItems() async throws {
        var options = ConnectionOptions()
        options.window = 0
        let party = try await Party(options)
        let (client, there) = try await party.connect()
        let sending = Task {
            for size in [60_000, 10_000, 65_536, 65_536, 1, 65_535, 30_000, 65_536] {
                try await client.send("x", .bytes([UInt8](repeating: 1, count: size)))
                try await Task.sleep(for: .milliseconds(20))
            }
        }
        for _ in 0..<8 { _ = try await there.inbox.next(timeout: .seconds(5)) }
        try await sending.value
        await party.server.stop()
    }

    @Test func deliveredPacketsAreHandledAfterTheirSenderHasClosed() async throws {
        let party = try await Party()
        let handled = Notes<String>()
        party.server.on("log") { packet, _ in
            try await Task.sleep(for: .milliseconds(2))
            handled.add(packet.text ?? "")
        }
        let (client, _) = try await party.connect()
        for number in 0..<30 { try await client.send("log", "\(number)") }
        try await client.deliver("log", "30")
        await client.close("done")
        try await eventually("all is handled") { handled.all.count == 31 }
        #expect(handled.all == (0...30).map(String.init))
        await party.server.stop()
    }

    @Test func aPacketHandlerIsCalledOneAtATimeForRequestsToo() async throws {
        let party = try await Party()
        let running = Notes<Int>()
        party.server.on("one") { _, _ in
            running.add(1)
            try await Task.sleep(for: .milliseconds(2))
            running.add(-1)
        }
        let (client, _) = try await party.connect()
        try await withThrowingTaskGroup { group in
            for _ in 0..<10 { group.addTask { _ = try await client.request("one") } }
            try await group.waitForAll()
        }
        #expect(running.all == (0..<20).map { $0 % 2 == 0 ? 1 : -1 })
        await party.server.stop()
    }

    @Test func aRequestCancelledBeforeItsTurnIsNotHandled() async throws {
        var options = ConnectionOptions()
        options.concurrentRequests = 1
        let party = try await Party(options)
        let handled = Notes<String>()
        let isOpen = Notes<Bool>()
        party.server.answer("q") { packet, _ in
            handled.add(packet.text ?? "")
            while isOpen.all.isEmpty { try await Task.sleep(for: .milliseconds(5)) }
            return .empty
        }
        let (client, _) = try await party.connect()
        async let first = client.request("q", "a")
        try await eventually("the first is handled") { handled.all == ["a"] }
        let second = Task { try await client.request("q", "b") }
        try await eventually("the second is asked") { client.calls.count == 2 }
        second.cancel()
        await expectError(.cancelled) { try await second.value }
        // The server handles its input in order: after this answer it has also handled the cancellation.
        await expectError(.unknownAction) { try await client.request("nothing") }
        isOpen.add(true)
        _ = try await first
        _ = try await client.request("q", "c")
        #expect(handled.all == ["a", "c"])
        await party.server.stop()
    }

    @Test func aCancelledLongPayloadFreesItsWindow() async throws {
        var options = ConnectionOptions()
        options.maxPayload = 1 << 20
        let party = try await Party(options)
        let (client, there) = try await party.connect()
        let payload = Payload.bytes([UInt8](repeating: 1, count: 1_000_000))
        // The first payload uses the whole window; the server takes nothing of the others.
        let sending = (0..<20).map { _ in Task { try await client.send("x", payload) } }
        try await eventually("one is there") { there.inbox.count == 1 }
        for task in sending { task.cancel() }
        for task in sending { _ = await task.result }
        while there.inbox.takeOldest() != nil { try await Task.sleep(for: .milliseconds(20)) }
        try await client.send("x", payload)
        #expect(try await there.inbox.next(timeout: .seconds(5)).payload == payload)
        await party.server.stop()
    }

    @Test func openingAStreamWhileTheServerStopsFailsAsClosed() async throws {
        for _ in 0..<20 {
            let party = try await Party()
            party.server.serve("echo", with: ByteStream.echo)
            let (client, _) = try await party.connect()
            let opened = Notes<Int>()
            let opening = Task {
                while true {
                    let stream = try await client.openStream("echo")
                    opened.add(0)
                    stream.finish()
                    _ = try await stream.readToEnd()
                }
            }
            try await eventually("streams are opened") { opened.all.count > 3 }
            await party.server.stop()
            await expectError(.closed) { try await opening.value }
        }
    }

    @Test func aStreamWhoseReaderHasEndedDoesNotBlockItsWriter() async throws {
        let party = try await Party()
        party.server.serve("early") { _, _ in try await Task.sleep(for: .milliseconds(200)) }
        let (client, _) = try await party.connect()
        let stream = try await client.openStream("early")
        let writing = Task { try await stream.write([UInt8](repeating: 1, count: 5_000_000)) }
        try await writing.value
        stream.finish()
        #expect(try await stream.readToEnd().isEmpty)
        await party.server.stop()
    }

    @Test func connectingCanBeAbandonedAtAnyTime() async throws {
        let party = try await Party()
        let payload = Payload.bytes([UInt8](repeating: 1, count: 3000))
        let events = party.server.events
        let greeting = Task {
            for await event in events {
                guard case .connected = event.kind, let token = event.token else { continue }
                let connection = party.server[token]
                Task { for _ in 0..<20 { try await connection?.send("hello", payload) } }
            }
        }
        try await withThrowingTaskGroup { group in
            for worker in 0..<8 {
                group.addTask {
                    for round in 0..<20 {
                        var options = ConnectionOptions()
                        if worker % 2 == 0 { options.connectTimeout = .microseconds(1000 + 997 * round) }
                        let task = Task { [options] in
                            try await MessageClient.connect(
                                to: party.address,
                                as: Party.alice.get(),
                                options: options
                            )
                        }
                        try await Task.sleep(for: .microseconds(800 * (round + worker)))
                        if worker % 2 == 1 { task.cancel() }
                        _ = await task.result
                    }
                }
            }
            try await group.waitForAll()
        }
        greeting.cancel()
        await party.server.stop()
    }

    @Test func aWaitWithATinyTimeoutEnds() async throws {
        let party = try await Party()
        let (_, there) = try await party.connect()
        await withTaskGroup { group in
            for _ in 0..<500 {
                group.addTask {
                    await expectError(.timeout) { try await there.inbox.next(timeout: .nanoseconds(1)) }
                }
            }
        }
        await party.server.stop()
    }

    @Test func finishedWorkIsFreed() async throws {
        final class Kept: Sendable {}
        final class Weak: @unchecked Sendable {
            // Set before another thread can see it.
            weak var kept: Kept?
        }
        let runner = HandlerRunner(atMost: 1)
        let done = Notes<Int>()
        var marks: [Weak] = []
        // The runner always has waiting work.
        for number in 0..<500 {
            let kept = Kept()
            let mark = Weak()
            mark.kept = kept
            marks.append(mark)
            runner.add(
                HandlerRunner.Work(number: UInt64(number)) {
                    withExtendedLifetime(kept) {}
                    try? await Task.sleep(for: .microseconds(200))
                } ended: {
                    done.add(number)
                }
            )
            while number - done.all.count > 2 { await Task.yield() }
        }
        let alive = marks.count { $0.kept != nil }
        #expect(alive < 50)
    }
}
