import EventIO
import Foundation
import Glibc
import Synchronization
import SystemPackage
import Testing

@testable import Sallyport

/// Cancels every wait of the library: before it begins, at its start, and later.
///
/// The wait ends, its error is `cancelled`, and it leaves nothing behind.
@Suite struct CancellationTests {
    /// The times after which a wait is cancelled; it has to end in any state.
    private static let moments: [Duration] = [
        .zero, .microseconds(50), .microseconds(500), .milliseconds(5), .milliseconds(40),
    ]

    /// Begins a wait that never ends by itself, and cancels it: once for each moment.
    ///
    /// - Returns: the number of waits that ended by themselves nevertheless, which is allowed only with `mayEnd`.
    @discardableResult
    private func cancelAtEachMoment<Value: Sendable>(
        _ what: String,
        mayEnd: Bool = false,
        sourceLocation: SourceLocation = #_sourceLocation,
        _ wait: @escaping @Sendable () async throws -> Value
    ) async throws -> Int {
        var ended = 0
        for moment in Self.moments {
            let task = Task { try await wait() }
            if moment > .zero { try await Task.sleep(for: moment) }
            task.cancel()
            let result = await task.result
            guard case .failure(let error) = result else {
                #expect(mayEnd, "\(what) after \(moment): it ended by itself", sourceLocation: sourceLocation)
                ended += 1
                continue
            }
            #expect(
                (error as? SallyportError)?.code == .cancelled,
                "\(what) after \(moment): \(error)",
                sourceLocation: sourceLocation
            )
        }
        return ended
    }

    @Test func waitsForPacketsCanBeCancelled() async throws {
        let party = try await Party()
        let (client, there) = try await party.connect()
        try await cancelAtEachMoment("next") { try await there.inbox.next() }
        try await cancelAtEachMoment("next of a kind") { try await there.inbox.next("x") }
        try await cancelAtEachMoment("receive") {
            try await there.receive(maximumSize: 10, timeout: .seconds(60))
        }
        try await cancelAtEachMoment("answerNext") { try await there.answerNext("x") { _ in .empty } }
        for moment in Self.moments {
            let listening = Task {
                var count = 0
                for await _ in there.packets { count += 1 }
                return count
            }
            let watching = Task {
                var count = 0
                for await _ in party.server.events { count += 1 }
                return count
            }
            if moment > .zero { try await Task.sleep(for: moment) }
            listening.cancel()
            watching.cancel()
            #expect(await listening.value == 0)
            _ = await watching.value
        }
        try await client.deliver("x", "still there")
        #expect(try await there.inbox.next().text == "still there")
        await party.server.stop()
    }

    @Test func waitsForAnswersCanBeCancelled() async throws {
        let party = try await Party()
        let begun = Notes<Int>()
        let ended = Notes<Int>()
        party.server.answer("never") { _, _ in
            begun.add(0)
            defer { ended.add(0) }
            try await Task.sleep(for: .seconds(600))
            return .empty
        }
        party.server.answer("echo") { packet, _ in packet.payload }
        let (client, _) = try await party.connect()
        let long = Payload.bytes([UInt8](repeating: 1, count: 300_000))
        try await cancelAtEachMoment("request") { try await client.request("never", timeout: .seconds(60)) }
        try await cancelAtEachMoment("long request") {
            try await client.request("never", long, timeout: .seconds(60))
        }
        #expect(client.calls.count == 0)
        #expect(try await client.request("echo", long) == long)
        // The server cancelled the handlers of the cancelled requests.
        try await eventually("the handlers are cancelled") { begun.all.count == ended.all.count }
        await party.server.stop()
    }

    @Test func waitsForAPeerThatTakesNothingCanBeCancelled() async throws {
        let party = try await Party()
        party.server.answer("echo") { packet, _ in packet.payload }
        party.server.serve("deaf") { _, _ in try await Task.sleep(for: .seconds(600)) }
        let (client, there) = try await party.connect()
        let portion = Payload.bytes([UInt8](repeating: 1, count: 60_000))
        let long = Payload.bytes([UInt8](repeating: 2, count: 400_000))
        let sent = Atomic<Int>(0)
        let filling = Task {
            while true {
                try await client.send("fill", portion)
                sent.add(1, ordering: .relaxed)
            }
        }
        try await eventually("there is no more room") { client.packetOutbox.isAwaited }
        let short = try await cancelAtEachMoment("send", mayEnd: true) {
            try await client.send("short", portion)
        }
        let whole = try await cancelAtEachMoment("send of a long payload", mayEnd: true) {
            try await client.send("long", long)
        }
        let confirmed = try await cancelAtEachMoment("deliver", mayEnd: true) {
            try await client.deliver("confirmed", timeout: .seconds(60))
        }
        filling.cancel()
        await expectError(.cancelled) { try await filling.value }
        let stream = try await client.openStream("deaf")
        try await cancelAtEachMoment("write") {
            while true { try await stream.write([UInt8](repeating: 1, count: 1 << 20)) }
        }
        #expect(client.calls.count == 0)
        #expect(try await client.request("echo", long) == long)
        // Sent packets have arrived exactly once, and cancelled ones not at all.
        let last = Task { try await client.deliver("end", timeout: .seconds(60)) }
        var counts: [String: Int] = [:]
        while true {
            let packet = try await there.inbox.next(timeout: .seconds(20))
            if packet.action == "end" { break }
            counts[packet.action, default: 0] += 1
            switch packet.action {
            case "long": #expect(packet.payload == long)
            case "confirmed": break
            default: #expect(packet.payload == portion)
            }
        }
        try await last.value
        #expect(counts["fill"] == sent.load(ordering: .relaxed))
        #expect(counts["short", default: 0] == short && counts["long", default: 0] == whole)
        // A cancelled delivery may have been in flight.
        #expect(counts["confirmed", default: 0] >= confirmed)
        await party.server.stop()
    }

    @Test func waitsForStreamsCanBeCancelled() async throws {
        let party = try await Party()
        party.server.serve("silent") { _, _ in try await Task.sleep(for: .seconds(600)) }
        party.server.serve("echo", with: ByteStream.echo)
        let line = try CuttableLine(to: party.address)
        let (client, _) = try await party.connect(by: line.address)
        let folder = "/tmp/sallyport-tests-\(UInt64.random(in: 0 ..< .max))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let path = folder + "/file"
        try #require(FileManager.default.createFile(atPath: path, contents: Data(count: 4 << 20)))
        let stream = try await client.openStream("silent")
        try await cancelAtEachMoment("read") { try await stream.read() }
        try await cancelAtEachMoment("read to the end") { try await stream.readToEnd() }
        try await cancelAtEachMoment("read into a file") { try await stream.read(into: folder + "/read") }
        try await cancelAtEachMoment("write a file") {
            while true { try await stream.write(contentsOf: path) }
        }
        try await line.goDown(under: client)
        try await cancelAtEachMoment("open") { try await client.openStream("echo") }
        line.comeUp()
        let echo = try await client.openStream("echo")
        try await echo.write([1, 2, 3])
        echo.finish()
        #expect(try await echo.readToEnd() == [1, 2, 3])
        await party.server.stop()
    }

    @Test func waitsForAConnectionCanBeCancelled() async throws {
        let silent = try BoundSocket(try #require(SocketAddress(numericHost: "127.0.0.1", port: 0)))
        try silent.listen()
        let address = "\(silent.address)"
        try await cancelAtEachMoment("connect") {
            try await MessageClient.connect(to: address, as: Party.alice.get())
        }
        try await cancelAtEachMoment("connect with a password") {
            try await MessageClient.connect(to: address, user: "alice", password: "correct horse")
        }
        try await cancelAtEachMoment("pair") {
            try await MessageClient.pair(with: address, code: "abcd-efgh", savingTo: "/nowhere/x")
        }
        let others = Notes<Int32>()
        try await cancelAtEachMoment("connect over a descriptor") {
            var ends: [Int32] = [-1, -1]
            try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
            others.add(ends[1])
            return try await MessageClient.connect(
                over: FileDescriptor(rawValue: ends[0]),
                as: Party.alice.get()
            )
        }
        for other in others.all {
            // Our end is closed: after a ClientHello, if it was sent, the other end reads the end of the stream.
            try await eventually("the other end is closed") {
                var bytes = [UInt8](repeating: 0, count: 4096)
                return recv(other, &bytes, bytes.count, Int32(MSG_DONTWAIT)) == 0
            }
            close(other)
        }
    }

    @Test func aServerRunsUntilItsTaskIsCancelled() async throws {
        for moment in Self.moments {
            let party = try await Party()
            let (client, _) = try await party.connect()
            let task = Task { await party.server.run() }
            if moment > .zero { try await Task.sleep(for: moment) }
            task.cancel()
            await task.value
            try await eventually("the client is closed") { !client.isOpen }
            await expectError(.cannotConnect) { try await party.connect() }
        }
    }

    /// A cancelled task can still clean up.
    @Test func aCancelledTaskCanStillCloseAndStop() async throws {
        let party = try await Party()
        let (client, there) = try await party.connect()
        let (second, _) = try await party.connect()
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            let results = await party.server.broadcast("x", isConfirmed: true)
            await client.close("enough")
            return results
        }
        let results = await task.value
        #expect(results.count == 2 && results.values.allSatisfy { $0 == nil || $0?.code == .cancelled })
        try await eventually("the other end is over") { !there.isOpen }
        #expect(second.isOpen)
        await Task {
            withUnsafeCurrentTask { $0?.cancel() }
            await party.server.stop()
        }.value
        try await eventually("the client is closed") { !second.isOpen }
    }
}
