import Sallyport
import Synchronization

// Publish and subscribe: clients publish texts on topics, and other clients follow the topics.
//
//     ExampleTopics serve 127.0.0.1:25565
//     ExampleTopics follow 127.0.0.1:25565 weather
//     ExampleTopics publish 127.0.0.1:25565 weather rain
@main
enum Topics {
    static func main() async throws {
        let words = CommandLine.arguments.dropFirst()
        switch (words.first, words.count) {
        case ("serve", 2): try await serve(at: words[2])
        case ("follow", 3): try await follow(words[3], at: words[2])
        case ("publish", 4): try await publish(words[4], on: words[3], at: words[2])
        default: print("serve ADDRESS, follow ADDRESS TOPIC, or publish ADDRESS TOPIC TEXT")
        }
    }

    /// The connections that follow each topic.
    final class Followers: Sendable {
        private let tokens = Mutex<[String: Set<ConnectionToken>]>([:])

        func add(_ token: ConnectionToken?, to topic: String) {
            guard let token else { return }
            _ = tokens.withLock { $0[topic, default: []].insert(token) }
        }

        subscript(topic: String) -> Set<ConnectionToken> { tokens.withLock { $0[topic] ?? [] } }
    }

    static func serve(at address: String) async throws {
        let server = try await MessageServer.start(on: address, passwords: Passwords(["guest": "welcome"]))
        let followers = Followers()
        server.answer("follow") { packet, _ in
            followers.add(packet.token, to: packet.text ?? "")
            return .empty
        }
        server.on("publish") { [weak server] packet, _ in
            var reader = BinaryReader(packet.payload)
            let (topic, text) = (try reader.string(atMost: 100), try reader.string())
            // A token finds no connection once its client has disconnected.
            for connection in followers[topic].compactMap({ server?[$0] }) {
                try? await connection.send(topic, .text(text))
            }
        }
        print("listening at \(server.addresses[0])")
        await server.run()
    }

    static func follow(_ topic: String, at address: String) async throws {
        let connection = try await MessageClient.connect(to: address, user: "guest", password: "welcome")
        _ = try await connection.request("follow", .text(topic))
        print("following \(topic)")
        for await packet in connection.packets { print("\(packet.action): \(packet.text ?? "")") }
    }

    static func publish(_ text: String, on topic: String, at address: String) async throws {
        let connection = try await MessageClient.connect(to: address, user: "guest", password: "welcome")
        var writer = BinaryWriter()
        writer.string(topic)
        writer.string(text)
        try await connection.deliver("publish", writer.payload)
        await connection.close()
    }
}
