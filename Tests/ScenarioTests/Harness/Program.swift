import Glibc

/// The programs of other people that scenarios start.
enum Program {
    /// Where services of Debian are; a user's PATH often lacks them.
    private static let folders = [
        "/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/local/bin", "/usr/bin", "/bin",
    ]
    /// PostgreSQL keeps its programs in a folder of its version; the newest comes first.
    private static let postgresFolders: [String] = {
        let root = "/usr/lib/postgresql"
        return names(in: root).compactMap { Int($0) }.sorted(by: >).map { "\(root)/\($0)/bin" }
    }()

    /// The path of a program, if this machine has it.
    static func find(_ name: String) -> String? {
        // The wrappers of Debian's `psql` look for clusters of the system: the programs themselves go first.
        let path = getenv("PATH").map { String(cString: $0).split(separator: ":").map(String.init) } ?? []
        return (postgresFolders + path + folders).map { "\($0)/\(name)" }.first { access($0, X_OK) == 0 }
    }

    /// The path of a program that has to be there.
    static func path(_ name: String) throws -> String {
        guard let path = find(name) else { throw ScenarioFailure("there is no \(name)") }
        return path
    }

    /// Whether all of them are there, and the binary under test.
    static func areThere(_ names: String...) -> Bool {
        Sallyport.isThere && names.allSatisfy { find($0) != nil }
    }

    static let missing =
        "the release binary or a program of the service is missing: .ci/install-test-services"

    /// The names in a folder.
    static func names(in folder: String) -> [String] {
        guard let handle = opendir(folder) else { return [] }
        defer { closedir(handle) }
        var result: [String] = []
        while let entry = readdir(handle) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { result.append(name) }
        }
        return result
    }

    /// Runs a program that has to end with 0.
    ///
    /// - Returns: what it wrote.
    @discardableResult
    static func run(
        _ name: String,
        _ arguments: String...,
        in folder: TemporaryFolder,
        input: String? = nil,
        environment: [String: String] = [:],
        within abuseBudget: Duration = .seconds(120)
    ) throws -> String {
        let child = try Child([path(name)] + arguments, in: folder, input: input, environment: environment)
        let end = try child.wait(within: abuseBudget)
        guard end == .exited(0) else {
            throw ScenarioFailure("\(name) \(arguments): \(end):\n\(child.output)")
        }
        return child.output
    }
}
