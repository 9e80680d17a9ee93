import Glibc

/// The binary under test.
enum Sallyport {
    /// The path of the binary: the value of `SALLYPORT`, or the release build.
    static let path: String = {
        if let named = getenv("SALLYPORT") { return String(cString: named) }
        let parts = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(4)
        return parts.joined(separator: "/") + "/.build/release/sallyport"
    }()

    /// Whether the binary exists.
    static var isThere: Bool { access(path, X_OK) == 0 }

    static let missing = "there is no release binary: make build"

    /// Runs a command and waits until it ends.
    static func run(
        _ arguments: String...,
        in folder: TemporaryFolder,
        input: String? = nil,
        environment: [String: String] = [:]
    ) throws -> (end: ChildEnd, output: String) {
        let child = try Child([path] + arguments, in: folder, input: input, environment: environment)
        return (try child.wait(), child.output)
    }

    /// Starts a command.
    static func start(
        _ arguments: String...,
        in folder: TemporaryFolder,
        name: String? = nil,
        environment: [String: String] = [:],
        descriptors: Int? = nil
    ) throws -> Child {
        try Child(
            [path] + arguments,
            in: folder,
            name: name,
            environment: environment,
            descriptors: descriptors
        )
    }
}
