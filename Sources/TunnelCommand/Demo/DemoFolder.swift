import EventIO
import Platform
import SecureLink

/// The files of a demonstration, in a temporary folder that is removed at the end.
final class DemoFolder {
    let path: String
    var serverFile: String { path + "/server.conf" }
    var clientFile: String { path + "/client.conf" }

    private static let files = [
        "server.conf", "client.conf", "passwords", "password", "server.log", "client.log",
    ]

    init() throws(SystemFailure) {
        let base = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array("\(base)/sallyport-demo-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw SystemFailure("mkdtemp", base, code: errno) }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        for name in Self.files { unlink("\(path)/\(name)") }
        rmdir(path)
    }

    /// Writes the configurations and the password files of both ends.
    func write(echo: UInt16, link: UInt16, entry: UInt16) throws {
        let (password, text) = try LoginPassword.generate()
        var passwords = try PasswordFile(creating: path + "/passwords")
        _ = try passwords.set("demo", password)
        try passwords.write()
        try put("password", text + "\n")
        try put(
            "server.conf",
            """
            [server]
            listen = 127.0.0.1:\(link)
            passwords = passwords

            [service echo]
            connect = 127.0.0.1:\(echo)

            """
        )
        try put(
            "client.conf",
            """
            [peer server]
            address = 127.0.0.1:\(link)
            user = demo
            password-file = password

            [route echo]
            accept = 127.0.0.1:\(entry)
            peer = server

            """
        )
    }

    /// The first 4096 bytes of the log of each end.
    var logs: String {
        ["server.log", "client.log"].map { name in
            var text = "\(name):\n"
            let descriptor = open("\(path)/\(name)", O_RDONLY)
            guard descriptor >= 0 else { return text }
            defer { close(descriptor) }
            var bytes = [UInt8](repeating: 0, count: 4096)
            let count = read(descriptor, &bytes, bytes.count)
            if count > 0 { text += String(decoding: bytes[..<count], as: UTF8.self) }
            return text
        }.joined()
    }

    /// Returns two ports that were free at the time of the call.
    static func freePorts() throws(SystemFailure) -> (link: UInt16, entry: UInt16) {
        guard let any = SocketAddress(numericHost: "127.0.0.1", port: 0) else {
            throw SystemFailure("bind", "127.0.0.1", code: EADDRNOTAVAIL)
        }
        let link = try BoundSocket(any)
        let entry = try BoundSocket(any)
        return (link.address.port, entry.address.port)
    }

    private func put(_ name: String, _ text: String) throws(SystemFailure) {
        let descriptor = open("\(path)/\(name)", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw SystemFailure("open", name, code: errno) }
        defer { close(descriptor) }
        let bytes = Array(text.utf8)
        guard Platform.write(descriptor, bytes, bytes.count) == bytes.count else {
            throw SystemFailure("write", name, code: errno)
        }
    }
}
