import Glibc

/// A service of somebody else that a scenario has started, with everything that it writes in the scenario's folder.
///
/// When it is freed, it is asked to end before it is killed: a killed one would leave its helpers behind.
final class Service {
    let folder: TemporaryFolder
    let address: PlainAddress
    let process: Child
    private let farewell: Int32

    /// Starts a service.
    ///
    /// - Parameters:
    ///   - arguments: the program by its path, and its arguments.
    ///   - folder: where it may write.
    ///   - address: where it will listen.
    ///   - farewell: the signal that makes it end at once, with its helpers.
    /// - Throws: what the system refuses.
    init(
        _ arguments: [String],
        in folder: TemporaryFolder,
        at address: PlainAddress,
        farewell: Int32 = SIGTERM
    ) throws {
        self.folder = folder
        self.address = address
        self.farewell = farewell
        process = try Child(arguments, in: folder)
    }

    deinit {
        process.signal(farewell)
        _ = try? process.wait()
    }

    /// The port that it listens at.
    var port: UInt16 { address.port }

    /// Waits until it takes connections.
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

/// Files that services serve and clients leave.
extension TemporaryFolder {
    /// Makes a file of random bytes.
    ///
    /// - Parameters:
    ///   - name: its name in the folder.
    ///   - mebibytes: its size.
    /// - Returns: its path.
    /// - Throws: what the system refuses.
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
