import Glibc

/// Third-party programs that scenarios start.
enum Program {
    /// The folders of Debian's services; a user's PATH often lacks them.
    private static let folders = [
        "/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/local/bin", "/usr/bin", "/bin",
    ]
    /// The program folders of the installed PostgreSQL versions, newest first.
    private static let postgresFolders: [String] = {
        let root = "/usr/lib/postgresql"
        return names(in: root).compactMap { Int($0) }.sorted(by: >).map { "\(root)/\($0)/bin" }
    }()

    /// The path of a program; nil if it is not installed.
    static func find(_ name: String) -> String? {
        // Debian's wrapper of `psql` looks for system clusters, so the real programs come first.
        let path = getenv("PATH").map { String(cString: $0).split(separator: ":").map(String.init) } ?? []
        return (postgresFolders + path + folders).map { "\($0)/\(name)" }.first { access($0, X_OK) == 0 }
    }

    /// The path of a program that must be installed.
    static func path(_ name: String) throws -> String {
        guard let path = find(name) else { throw ScenarioFailure("there is no \(name)") }
        return path
    }

    /// Whether all of these programs and the binary under test exist.
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

    /// Runs a program that must exit with status 0.
    ///
    /// - Returns: its output.
    @discardableResult
    static func run(
        _ name: String,
        _ arguments: String...,
        in folder: TemporaryFolder,
        input: String? = nil,
        environment: [String: String] = [:],
        within timeout: Duration = .seconds(120)
    ) throws -> String {
        let child = try Child([path(name)] + arguments, in: folder, input: input, environment: environment)
        let end = try child.wait(within: timeout)
        guard end == .exited(0) else {
            throw ScenarioFailure("\(name) \(arguments): \(end):\n\(child.output)")
        }
        return child.output
    }
}
