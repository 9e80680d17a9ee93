import Glibc

/// A third-party service that a scenario has started; it writes only to the scenario's folder.
///
/// When this object is freed, it sends the service its stop signal before it kills it: a killed service would leave its
/// helper processes behind.
final class Service {
    let folder: TemporaryFolder
    let address: PlainAddress
    let process: Child
    private let stopSignal: Int32

    /// Starts a service.
    ///
    /// - Parameters:
    ///   - arguments: the path of the program, and its arguments.
    ///   - folder: the folder to which it may write.
    ///   - address: the address on which it will listen.
    ///   - stopSignal: the signal that ends it and its helper processes at once.
    /// - Throws: a system error.
    init(
        _ arguments: [String],
        in folder: TemporaryFolder,
        at address: PlainAddress,
        stopSignal: Int32 = SIGTERM
    ) throws {
        self.folder = folder
        self.address = address
        self.stopSignal = stopSignal
        process = try Child(arguments, in: folder)
    }

    deinit {
        process.signal(stopSignal)
        _ = try? process.wait()
    }

    /// The port on which it listens.
    var port: UInt16 { address.port }

    /// Waits until it accepts connections.
    func waitUntilItAnswers() throws {
        try Waiting.until("\(process.name) at \(address); it wrote:\n\(process.output)") {
            if let end = process.end { throw ScenarioFailure("\(process.name): \(end):\n\(process.output)") }
            return (try? PlainSocket(to: address)) != nil
        }
    }
}

extension PlainAddress {
    /// The port; 0 for a Unix socket.
    var port: UInt16 {
        switch self {
        case .ipv4(let port), .ipv6(let port): port
        case .unix: 0
        }
    }
}

/// Files for services and clients.
extension TemporaryFolder {
    /// Creates a file of random bytes.
    ///
    /// - Parameters:
    ///   - name: its name in the folder.
    ///   - mebibytes: its size in MiB.
    /// - Returns: its path.
    /// - Throws: a system error.
    func randomFile(_ name: String, mebibytes: Int) throws -> String {
        let path = "\(path)/\(name)"
        try Program.run("dd", "if=/dev/urandom", "of=\(path)", "bs=1M", "count=\(mebibytes)", in: self)
        return path
    }

    /// The SHA-256 of a file, as hexadecimal digits.
    func sha256(_ file: String) throws -> String {
        try String(Program.run("sha256sum", file, in: self).prefix { $0 != " " })
    }
}
