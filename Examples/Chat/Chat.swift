import Sallyport

// A chat room: the server sends what one client says to all clients.
//
//     ExampleChat serve 127.0.0.1:25565
//     ExampleChat join 127.0.0.1:25565 ada
//
// Each typed line is sent. For more than an example, use a password file: Passwords(file:).
@main
enum Chat {
    static func main() async throws {
        let words = CommandLine.arguments.dropFirst()
        switch (words.first, words.count) {
        case ("serve", 2): try await serve(at: words[2])
        case ("join", 3): try await join(words[2], as: words[3])
        default: print("serve ADDRESS, or join ADDRESS NAME")
        }
    }

    static func serve(at address: String) async throws {
        let server = try await MessageServer.start(on: address, passwords: Passwords(["guest": "welcome"]))
        server.on("say") { [weak server] packet, _ in await server?.broadcast("said", packet.payload) }
        print("listening at \(server.addresses[0])")
        await server.run()
    }

    static func join(_ address: String, as name: String) async throws {
        let room = try await MessageClient.connect(to: address, user: "guest", password: "welcome") { room in
            room.on("said") { packet, _ in print(packet.text ?? "") }
        }
        try await room.send("say", "\(name) is here")
        while let line = readLine() { try await room.send("say", "\(name): \(line)") }
        try await room.send("say", "\(name) has gone")
        await room.close("goodbye")
    }
}
