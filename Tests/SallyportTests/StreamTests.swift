import SecureLink
import Testing

@testable import Sallyport

@Suite struct StreamTests {
    @Test func operationsBegunWithoutALinkWaitForOne() async throws {
        let party = try await Party()
        let line = try CuttableLine(to: party.address)
        party.server.serve("echo", with: ByteStream.echo)
        party.server.answer("size") { packet, _ in "\(packet.payload.bytes.count)" }
        let (client, _) = try await party.connect(by: line.address)
        try await line.goDown(under: client)
        let payload = Payload.bytes([UInt8](repeating: 3, count: 300_000))
        let opening = Task { try await client.openStream("echo") }
        let sending = Task { try await client.request("size", payload) }
        let dropped = [
            Task { _ = try await client.openStream("echo") }, Task { try await client.send("size", payload) },
        ]
        // The cancelled operations end; the others continue to wait.
        for task in dropped {
            task.cancel()
            await expectError(.cancelled) { try await task.value }
        }
        line.comeUp()
        let stream = try await opening.value
        try await stream.write([1, 2, 3])
        stream.finish()
        #expect(try await stream.readToEnd() == [1, 2, 3])
        #expect(try await sending.value.text == "300000")
        try await line.goDown(under: client)
        let never = Task { try await client.openStream("echo") }
        let closing = Task { await client.close("enough") }
        await expectError(.closed) { try await never.value }
        await closing.value
        await party.server.stop()
    }

    private static let content = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 * 13 + $0 >> 7) }

    @Test func aStreamCarriesBytesBothWaysAndEachDirectionEnds() async throws {
        let party = try await Party()
        party.server.serve("echo", with: ByteStream.echo)
        let (client, _) = try await party.connect()
        let stream = try await client.openStream("echo")
        async let reading = stream.readToEnd()
        try await stream.write(Self.content)
        stream.finish()
        #expect(try await reading == Self.content)
        await expectError(.closed) { try await stream.write([1]) }
        await party.server.stop()
    }

    @Test func theServerOpensStreamsToo() async throws {
        let party = try await Party()
        let (_, there) = try await party.connect { client in
            client.serve("name") { stream, _ in try await stream.write(Array("client".utf8)) }
        }
        let stream = try await there.openStream("name")
        #expect(try await stream.readToEnd() == Array("client".utf8))
        await party.server.stop()
    }

    @Test func aStreamThatIsNotReadSlowsOnlyItsOwnWriter() async throws {
        var options = ConnectionOptions()
        options.window = 128 << 10
        let party = try await Party(options)
        party.server.serve("deaf") { _, _ in try await Task.sleep(for: .seconds(60)) }
        party.server.serve("echo", with: ByteStream.echo)
        let (client, _) = try await party.connect()
        let deaf = try await client.openStream("deaf")
        let writing = Task { try await deaf.write(Self.content) }
        let echo = try await client.openStream("echo")
        async let reading = echo.readToEnd()
        try await echo.write(Self.content)
        echo.finish()
        #expect(try await reading == Self.content)
        writing.cancel()
        await expectError(.cancelled) { try await writing.value }
        await party.server.stop()
    }

    @Test func aResetIsAnErrorAndNotAnEnd() async throws {
        struct Broken: Error {}
        let party = try await Party()
        party.server.serve("broken") { stream, _ in
            try await stream.write([1, 2, 3])
            throw Broken()
        }
        let (client, _) = try await party.connect()
        let stream = try await client.openStream("broken")
        await expectError(.closed) { while let bytes = try await stream.read() { _ = bytes } }
        let nowhere = try await client.openStream("nowhere")
        await expectError(.noService) { try await nowhere.read() }
        await expectError(.invalidArgument) { try await client.openStream("sallyport.calls") }
        await party.server.stop()
    }

    @Test func aReaderFailsWhenTheServerStops() async throws {
        let party = try await Party()
        party.server.serve("silent") { _, _ in try await Task.sleep(for: .seconds(60)) }
        let (client, _) = try await party.connect()
        let stream = try await client.openStream("silent")
        let task = Task { try await stream.read() }
        await party.server.stop()
        await expectError(.closed) { try await task.value }
    }

    @Test func everythingWorksOverAUnixSocket() async throws {
        let path = "/tmp/sallyport-tests-\(UInt64.random(in: 0 ..< .max)).sock"
        let server = try await MessageServer.start(
            on: "unix:\(path)",
            passwords: Passwords(["bob": "pass"])
        )
        server.answer("echo") { packet, _ in packet.payload }
        let client = try await MessageClient.connect(to: "unix:\(path)", user: "bob", password: "pass")
        #expect(try await client.request("echo", "hi").text == "hi")
        await client.close()
        await server.stop()
    }

    @Test func theSelfTestSucceeds() async throws {
        let steps = await SelfTest.run()
        #expect(steps.count == 6)
        for step in steps { #expect(step.failure == nil, "\(step.name)") }
    }
}
