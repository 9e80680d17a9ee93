import Testing

/// `sallyport console`: both ends, used as by a person and by a script.
@Suite(.serialized) struct ConsoleTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    @Test func twoConsolesTalkAfterPairingWithACode() throws {
        let atServer = try TypedInput(in: folder)
        let server = try Child(
            [Sallyport.path, "console", "serve", "127.0.0.1:0", "--passwords", "passwords"],
            in: folder,
            typed: atServer
        )
        try Waiting.until("the server listens") { server.output.contains("listening on ") }
        let address = String(server.output.split(separator: "\n")[0].split(separator: " ").last ?? "")
        atServer.type("pair laptop\n")
        try Waiting.until("there is a code") { server.output.contains("code ") }
        let code = String(
            server.output.split(separator: "\n").last { $0.hasPrefix("code ") }?.dropFirst(5) ?? ""
        )
        let atClient = try TypedInput(in: folder)
        let client = try Child(
            [Sallyport.path, "console", "connect", address, "--code", code, "--login", "login"],
            in: folder,
            typed: atClient
        )
        try Waiting.until("the client is connected") { client.output.contains("connected to ") }
        atClient.type("send chat hello there\n")
        try Waiting.until("the packet comes") { server.output.contains("laptop: chat hello there") }
        atServer.type("list\nbroadcast news it rains\n")
        try Waiting.until("the news come") { client.output.contains("server: news it rains") }
        #expect(server.output.contains("sent to 1"))
        atClient.type("request time now\nhelp\nnonsense\nhistory\n")
        try Waiting.until("all is answered") { client.output.contains("5  history") }
        #expect(client.output.contains("failed: unknown action"))
        #expect(client.output.contains("no command `nonsense`"))
        let token = String(
            server.output.split(separator: "\n").first { $0.hasPrefix("connected ") }?.split(separator: " ")
                .last
                ?? ""
        )
        atServer.type("kick \(token.prefix(8)) too loud\n")
        #expect(try client.wait() == .exited(0))
        #expect(client.output.contains("too loud"))
        try Waiting.until("the server has seen it") { server.output.contains("disconnected ") }

        // A script: its commands are the standard input, whose end also ends the console.
        let script = try TypedInput(in: folder)
        let again = try Child(
            [Sallyport.path, "console", "connect", address, "--login", "login"],
            in: folder,
            typed: script
        )
        script.type("send done\n")
        script.end()
        #expect(try again.wait() == .exited(0))
        try Waiting.until("the packet comes") { server.output.contains("laptop: done") }
        atServer.type("quit\n")
        #expect(try server.wait() == .exited(0))
    }
}
