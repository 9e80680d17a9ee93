import EventIO
import Sallyport
import Testing

@Suite struct ConnectionTests {
    @Test func theReasonOfAnEndReachesTheOtherEnd() async throws {
        let party = try await Party()
        let (client, there) = try await party.connect()
        try await client.send("last words")
        await client.close("going home")
        #expect(try await there.inbox.next().action == "last words")
        try await eventually("it is over") { !there.isOpen }
        #expect(there.endReason?.code == .closed)
        #expect(there.endReason?.message.hasSuffix("going home") ?? false)
        await expectError(.closed) { try await client.send("too late") }
        await expectError(.closed) { try await there.request("too late") }
        try await eventually("its server has forgotten it") { party.server.connections.isEmpty }
        await party.server.stop()
    }

    @Test func aServerSendsToOneOrAllAndClosesConnections() async throws {
        let party = try await Party()
        var clients: [Connection] = []
        for _ in 0..<20 { clients.append(try await party.connect().client) }
        let tokens = party.server.connections.compactMap(\.token)
        #expect(Set(tokens).count == 20)
        let results = await party.server.broadcast("news", "rain", isConfirmed: true)
        #expect(results.count == 20 && results.values.allSatisfy { $0 == nil })
        for client in clients { #expect(client.inbox.takeOldest()?.text == "rain") }
        let one = try #require(party.server[tokens[3]])
        try await one.send("you")
        await one.close("be quiet")
        #expect(party.server[tokens[3]] == nil)
        try await eventually("it is gone") { [clients] in clients.contains { !$0.isOpen } }
        let gone = try #require(clients.first { !$0.isOpen })
        #expect(gone.inbox.takeOldest()?.action == "you")
        #expect(gone.endReason?.message.hasSuffix("be quiet") ?? false)
        #expect(clients.count { $0.isOpen } == 19)
        await party.server.stop("good night")
        try await eventually("all are closed") { !clients.contains { $0.isOpen } }
        #expect(clients.allSatisfy { $0.endReason?.code == .closed })
    }

    @Test func aServerReportsConnectionsDisconnectionsAndRefusals() async throws {
        let party = try await Party()
        let events = party.server.events
        await expectError(.wrongPassword) {
            try await MessageClient.connect(to: party.address, user: "alice", password: "wrong")
        }
        let (client, _) = try await party.connect()
        await client.close("bye")
        await party.server.stop()
        var seen: [String] = []
        for await event in events {
            switch event.kind {
            case .refused(let reason):
                #expect(reason.hasPrefix("wrong password"))
                seen.append("refused \(event.user ?? "?")")
            case .connected: seen.append("connected \(event.user ?? "?")")
            case .disconnected(let error): seen.append("disconnected: \(error.message)")
            case .interrupted, .resumed, .paired: seen.append("link")
            }
            #expect(event.address.hasPrefix("127.0.0.1:"))
        }
        #expect(
            seen == [
                "refused alice", "connected alice",
                "disconnected: the other end has closed the connection: bye",
            ]
        )
    }

    @Test func endsOfDifferentApplicationsDoNotConnect() async throws {
        let party = try await Party()
        var options = ConnectionOptions()
        options.application = "another"
        await expectError(.otherApplication) {
            try await MessageClient.connect(
                to: party.address,
                user: "alice",
                password: "correct horse",
                options: options
            )
        }
        await party.server.stop()
    }

    @Test func recordsAreUnencryptedOnlyIfBothEndsAllowIt() async throws {
        var open = ConnectionOptions()
        open.allowsUnencrypted = true
        let party = try await Party(open)
        party.server.answer("echo") { packet, _ in packet.payload }
        for (options, isEncrypted) in [(open, false), (ConnectionOptions(), true)] {
            let (client, there) = try await party.connect(options)
            #expect(client.isEncrypted == isEncrypted && there.isEncrypted == isEncrypted)
            #expect(try await client.request("echo", "x").text == "x")
        }
        await party.server.stop()
    }

    @Test func aFailedConnectNamesItsReason() async throws {
        await expectError(.cannotConnect) {
            try await MessageClient.connect(to: "127.0.0.1:1", user: "alice", password: "x")
        }
        await expectError(.invalidArgument) {
            try await MessageClient.connect(to: "nonsense:99999", user: "alice", password: "x")
        }
        await expectError(.credentials) { try Login(user: "", password: "x") }
        await expectError(.credentials) { try Login(user: "alice", password: "") }
        await expectError(.system) {
            let party = try await Party()
            return try await MessageServer.start(on: party.address, passwords: Passwords([:]))
        }
        let silent = try BoundSocket(try #require(SocketAddress(numericHost: "127.0.0.1", port: 0)))
        try silent.listen()
        let address = "\(silent.address)"
        var options = ConnectionOptions()
        options.connectTimeout = .milliseconds(100)
        await expectError(.timeout) { [options] in
            try await MessageClient.connect(to: address, as: Party.alice.get(), options: options)
        }
    }

    @Test func aConnectionOutlivesItsLink() async throws {
        let party = try await Party()
        let line = try CuttableLine(to: party.address)
        party.server.answer("double") { packet, _ in "\((Int(packet.text ?? "") ?? -1) * 2)" }
        let events = party.server.events
        let (client, there) = try await party.connect(by: line.address)
        let cutting = Task {
            for _ in 0..<10 {
                try await Task.sleep(for: .milliseconds(50))
                line.cut()
            }
        }
        let sending = Task {
            for number in 0..<2000 {
                try await client.send("count", "\(number)")
                if number % 20 == 0 { try await Task.sleep(for: .milliseconds(5)) }
            }
        }
        for number in 0..<200 {
            #expect(try await client.request("double", "\(number)").text == "\(number * 2)")
        }
        for number in 0..<2000 {
            #expect(try await there.inbox.next(timeout: .seconds(20)).text == "\(number)")
        }
        try await cutting.value
        try await sending.value
        #expect(client.isOpen && there.isOpen)
        await client.close()
        await party.server.stop()
        var resumptions = 0
        for await event in events { if case .resumed = event.kind { resumptions += 1 } }
        #expect(resumptions > 0)
    }
}
