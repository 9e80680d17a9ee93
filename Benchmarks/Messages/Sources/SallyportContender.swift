import Sallyport

final class SallyportContender: LocalContender {
    let name = "sallyport"
    private let server: MessageServer
    private let client: Connection
    private let there: Connection
    private let login: Login

    init() async throws {
        server = try await MessageServer.start(on: "127.0.0.1:0", passwords: Passwords(["bench": "password"]))
        server.answerAtOnce("echo") { packet, _ in packet.payload }
        login = try Login(user: "bench", password: "password")
        client = try await MessageClient.connect(to: server.addresses[0], as: login)
        there = server.connections[0]
    }

    func send(size: Int, count: Int) async throws {
        let payload = Payload.bytes([UInt8](repeating: 7, count: size))
        let client = client
        let sending = Task { for _ in 0..<count { try await client.send("bench", payload) } }
        for _ in 0..<count { _ = try await there.inbox.next() }
        try await sending.value
    }

    func ask(inFlight: Int, count: Int) async throws {
        let payload = Payload.bytes([UInt8](repeating: 7, count: 64))
        let client = client
        try await withThrowingTaskGroup { group in
            for _ in 0..<inFlight {
                group.addTask {
                    for _ in 0..<count / inFlight { _ = try await client.request("echo", payload) }
                }
            }
            try await group.waitForAll()
        }
    }

    /// Opens `count` more connections.
    func clients(_ count: Int) async throws -> [Connection] {
        var clients: [Connection] = []
        for _ in 0..<count {
            clients.append(
                try await MessageClient.connect(to: server.addresses[0], as: login) { connection in
                    connection.on("news") { _, _ in }
                }
            )
        }
        return clients
    }

    func broadcast(to count: Int) async throws {
        client.on("news") { _, _ in }
        let results = await server.broadcast(
            "news",
            .bytes([UInt8](repeating: 7, count: 64)),
            isConfirmed: true
        )
        guard results.count >= count, results.values.allSatisfy({ $0 == nil }) else {
            throw SallyportError(.refused, "somebody did not get it")
        }
    }
}
