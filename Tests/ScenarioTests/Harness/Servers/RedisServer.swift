/// A Redis server without persistence in its own folder.
final class RedisServer {
    private let service: Service

    init() throws {
        let folder = try TemporaryFolder()
        let address = try PlainAddress.free()
        service = try Service(
            [
                Program.path("redis-server"), "--bind", "127.0.0.1", "--port", "\(address.port)", "--save",
                "",
                "--dir", folder.path,
            ],
            in: folder,
            at: address
        )
        try service.waitUntilItAnswers()
    }

    var address: PlainAddress { service.address }
}
