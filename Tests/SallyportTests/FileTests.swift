import Foundation
import Sallyport
import Testing

@Suite struct FileTests {
    @Test func aFileIsSentOverAStream() async throws {
        let folder = "/tmp/sallyport-tests-\(UInt64.random(in: 0 ..< .max))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let content = Data((0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 * 11 + $0 >> 9) })
        try content.write(to: URL(fileURLWithPath: folder + "/from"))
        let party = try await Party()
        party.server.serve("upload") { stream, _ in
            let count = try await stream.read(into: folder + "/to")
            try await stream.write(Array("\(count)".utf8))
        }
        let (client, _) = try await party.connect()
        let stream = try await client.openStream("upload")
        let seen = Notes<TransferProgress>()
        #expect(try await stream.write(contentsOf: folder + "/from") { seen.add($0) } == 3_000_000)
        stream.finish()
        #expect(try await stream.readToEnd() == Array("3000000".utf8))
        #expect(try Data(contentsOf: URL(fileURLWithPath: folder + "/to")) == content)
        #expect(seen.all.last == TransferProgress(done: 3_000_000, total: 3_000_000) && seen.all.count > 5)
        await expectError(.system) { try await stream.write(contentsOf: folder + "/nothing") }
        await party.server.stop()
    }

    @Test func answerNextAnswersOneRequest() async throws {
        let party = try await Party()
        let (client, there) = try await party.connect()
        async let asked = client.request("name", "who?").text
        async let other = there.answerNext("name") { packet in "you asked \(packet.text ?? "")" }
        // The request fails if it arrived before `answerNext` waited for it.
        let answer = try? await asked
        #expect(answer == "you asked who?" || answer == nil)
        if answer == nil { _ = try await client.request("name", "who?") }
        #expect(try await other.action == "name")
        await expectError(.unknownAction) { try await client.request("name") }
        await expectError(.timeout) {
            try await there.answerNext("name", timeout: .milliseconds(20)) { _ in .empty }
        }
        let waiting = Task { try await there.answerNext("name") { _ in .empty } }
        await client.close()
        await expectError(.closed) { try await waiting.value }
        await party.server.stop()
    }

    @Test func receiveRefusesAPacketAboveItsMaximumSize() async throws {
        let party = try await Party()
        let (client, there) = try await party.connect()
        try await client.send("x", .bytes([UInt8](repeating: 1, count: 100)))
        try await client.send("y")
        await expectError(.tooLarge) { try await there.receive(maximumSize: 99) }
        #expect(try await there.receive(maximumSize: 0, timeout: .seconds(5)).action == "y")
        await party.server.stop()
    }
}
