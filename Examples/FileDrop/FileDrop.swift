import Sallyport

// A folder on a server that clients upload files to. Files can have any size, because they are sent in portions.
//
//     ExampleFileDrop serve 127.0.0.1:25565 incoming
//     ExampleFileDrop put 127.0.0.1:25565 holiday.jpg
@main
enum FileDrop {
    static func main() async throws {
        let words = CommandLine.arguments.dropFirst()
        switch (words.first, words.count) {
        case ("serve", 3): try await serve(at: words[2], into: words[3])
        case ("put", 3): try await put(words[3], to: words[2])
        default: print("serve ADDRESS FOLDER, or put ADDRESS FILE")
        }
    }

    static func serve(at address: String, into folder: String) async throws {
        let server = try await MessageServer.start(on: address, passwords: Passwords(["guest": "welcome"]))
        server.answer("put") { packet, connection in
            guard let name = packet.text, !name.isEmpty, !name.hasPrefix("."), !name.contains("/") else {
                throw SallyportError(.invalidArgument, "that is no name for a file")
            }
            // The next stream that this connection opens carries the file.
            connection.serve("file") { stream, _ in
                let count = try await stream.read(into: "\(folder)/\(name)", atMost: 1 << 40)
                try await stream.write(Array("\(count)".utf8))
                print("\(name): \(count) bytes")
            }
            return .empty
        }
        print("listening at \(server.addresses[0])")
        await server.run()
    }

    static func put(_ path: String, to address: String) async throws {
        let connection = try await MessageClient.connect(to: address, user: "guest", password: "welcome")
        let name = path.split(separator: "/").last.map(String.init) ?? path
        _ = try await connection.request("put", .text(name))
        let stream = try await connection.openStream("file")
        let sent = try await stream.write(contentsOf: path)
        stream.finish()
        let received = String(decoding: try await stream.readToEnd(), as: UTF8.self)
        print("sent \(sent) bytes, \(received) have arrived")
        await connection.close()
    }
}
