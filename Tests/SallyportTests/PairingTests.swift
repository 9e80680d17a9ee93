import Foundation
import Sallyport
import Testing

@Suite struct PairingTests {
    private let folder = "/tmp/sallyport-tests-\(UInt64.random(in: 0 ..< .max))"

    init() throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    private func start() async throws -> MessageServer {
        let passwords = Passwords(file: folder + "/passwords", isMade: true)
        return try await MessageServer.start(on: "127.0.0.1:0", passwords: passwords)
    }

    @Test func aClientGetsAPasswordWithAPairingCode() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var server = try await start()
        server.answer("who") { packet, _ in .text(packet.sender) }
        let events = server.events
        let code = try await server.beginPairing("laptop")
        let file = folder + "/login"
        let login = try await MessageClient.pair(
            with: server.addresses[0],
            code: " " + code.uppercased(),
            savingTo: file
        )
        let mode = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        // The code is valid only once.
        await expectError(.wrongPassword) {
            try await MessageClient.pair(with: server.addresses[0], code: code, savingTo: folder + "/other")
        }
        let connection = try await MessageClient.connect(to: server.addresses[0], as: login)
        #expect(try await connection.request("who").text == "laptop")
        await connection.close()
        await server.stop()
        var paired: [String?] = []
        for await event in events { if case .paired = event.kind { paired.append(event.user) } }
        #expect(paired == ["laptop"])
        // Both ends have saved the password.
        server = try await start()
        server.answer("who") { packet, _ in .text(packet.sender) }
        let again = try await MessageClient.connect(to: server.addresses[0], as: Login(file: file))
        #expect(try await again.request("who").text == "laptop")
        await server.stop()
    }

    @Test func aPairingCodePermitsNothingButPairing() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let server = try await start()
        server.answer("secret") { _, _ in "the secret" }
        server.serve("secret") { stream, _ in try await stream.write([1]) }
        let code = try await server.beginPairing("laptop")
        let connection = try await MessageClient.connect(
            to: server.addresses[0],
            user: "pairing",
            password: code
        )
        await expectError(.unknownAction) { try await connection.request("secret") }
        let stream = try await connection.openStream("secret")
        await expectError(.noService) { try await stream.read() }
        #expect(server.connections.isEmpty)
        await server.stop()
    }

    @Test func threeWrongGuessesInvalidateACode() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let server = try await start()
        let code = try await server.beginPairing("laptop")
        for _ in 0..<3 {
            await expectError(.wrongPassword) {
                try await MessageClient.pair(
                    with: server.addresses[0],
                    code: "wrong",
                    savingTo: folder + "/x"
                )
            }
        }
        await expectError(.wrongPassword) {
            try await MessageClient.pair(with: server.addresses[0], code: code, savingTo: folder + "/x")
        }
        await server.stop()
    }

    @Test func aCodeExpires() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let server = try await start()
        let short = try await server.beginPairing("laptop", validFor: .milliseconds(1))
        try await Task.sleep(for: .seconds(1))
        await expectError(.wrongPassword) {
            try await MessageClient.pair(with: server.addresses[0], code: short, savingTo: folder + "/x")
        }
        await expectError(.credentials) { try await server.beginPairing("pairing") }
        await expectError(.credentials) { try await server.beginPairing("") }
        await server.stop()
    }
}
