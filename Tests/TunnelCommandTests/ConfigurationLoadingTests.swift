import ConfigurationFile
import CryptoPrimitives
import Foundation
import Testing
import Tunnel

@testable import TunnelCommand

/// Tests that read files and folders on disk.
@Suite struct ConfigurationLoadingTests {
    private let folder: TemporaryFolder

    private static let peer = """
        [peer office]
        address = example.com:7443
        user = alice
        password-file = office.password

        """

    private static func route(_ name: String, port: Int) -> String {
        "[route \(name)]\naccept = 127.0.0.1:\(port)\npeer = office\n"
    }

    init() throws {
        folder = try TemporaryFolder()
    }

    private func load(_ names: String...) -> LoadedConfiguration {
        ConfigurationLoading.load(names.map { "\(folder.path)/\($0)" })
    }

    /// The report with `DIR` in place of the temporary folder, whose name differs from run to run.
    private func report(_ loaded: LoadedConfiguration) -> String {
        loaded.report.replacingOccurrences(of: folder.path, with: "DIR")
    }

    @Test func secretsAreSoughtBesideTheFileThatNamesThem() throws {
        try folder.write("a password\n", to: "secrets/office.password")
        try folder.write(Self.peer + Self.route("a", port: 1), to: "secrets/tunnel.conf")
        let configuration = try #require(load("secrets/tunnel.conf").configuration)
        #expect(configuration.peers[0].password == .file(path: "\(folder.path)/secrets/office.password"))
    }

    @Test func aRelativePathBeginsAtTheCurrentFolder() throws {
        var surroundings = ConfigurationSurroundings.isolated
        surroundings.readFile = { path in
            path == "/etc/sallyport/conf/t.conf"
                ? .success(.init(bytes: Array((Self.peer + Self.route("a", port: 1)).utf8), identity: [1]))
                : .failure(.init(reason: "not there"))
        }
        let loaded = ConfigurationLoading.load(["conf/t.conf"], in: surroundings)
        #expect(loaded.configuration?.peers[0].password == .file(path: "/etc/sallyport/conf/office.password"))
        #expect(loaded.files == ["conf/t.conf"])
    }

    @Test func aLibraryThatCannotBeUsedHereIsAFaultAtItsPlace() throws {
        let text = "aead-backend = ipsec-mb\n" + Self.peer + Self.route("a", port: 1)
        var surroundings = ConfigurationSurroundings.isolated
        surroundings.readFile = { _ in .success(.init(bytes: Array(text.utf8), identity: [1])) }
        #expect(ConfigurationLoading.load(["t.conf"], in: surroundings).configuration?.aead == .ipsecMB)
        surroundings.aeadFault = { "no \($0.rawValue) on this machine" }
        let loaded = ConfigurationLoading.load(["t.conf"], in: surroundings)
        #expect(loaded.configuration == nil)
        #expect(
            loaded.report == """
                t.conf:1:16: error: `ipsec-mb` cannot be used here: no ipsec-mb on this machine
                1 | aead-backend = ipsec-mb
                  |                ^~~~~~~~
                  = hint: write `auto` to use it only where it works

                """
        )
    }

    @Test func anIncludedFolderIsReadInAlphabeticalOrderAndOnlyItsConfFiles() throws {
        try folder.write("x", to: "office.password")
        try folder.write("include = routes\n" + Self.peer, to: "tunnel.conf")
        try folder.write(Self.route("b", port: 2), to: "routes/20-b.conf")
        try folder.write(Self.route("a", port: 1), to: "routes/10-a.conf")
        try folder.write("not a configuration", to: "routes/30-c.conf.bak")
        try folder.write("not a configuration", to: "routes/.#hidden.conf")
        try folder.write(Self.route("c", port: 3), to: "routes/B.conf")
        let loaded = load("tunnel.conf")
        #expect(loaded.report.isEmpty)
        #expect(loaded.configuration?.routes.map(\.name) == ["a", "b", "c"])
        #expect(
            loaded.files.map { $0.replacingOccurrences(of: folder.path, with: "DIR") } == [
                "DIR/tunnel.conf", "DIR/routes/10-a.conf", "DIR/routes/20-b.conf", "DIR/routes/B.conf",
            ]
        )
    }

    @Test func severalFilesAreOneConfiguration() throws {
        try folder.write("x", to: "office.password")
        try folder.write("idle-timeout = 5m\n" + Self.peer, to: "peers.conf")
        try folder.write(Self.route("a", port: 1), to: "routes.conf")
        let configuration = try #require(load("peers.conf", "routes.conf").configuration)
        #expect(configuration.routes[0].stream.idleTimeout == .seconds(300))
    }

    @Test func faultsInAllFilesAreToldInTheOrderOfReading() throws {
        try folder.write("include = conf.d\nworkers = many\n", to: "z.conf")
        try folder.write("[route a]\naccept = 1.2.3.4:1\npeer = nobody\n", to: "conf.d/b.conf")
        try folder.write("log-level = loud\nworkers = 3\n", to: "conf.d/a.conf")
        #expect(
            report(load("z.conf")) == """
                DIR/z.conf:2:11: error: `many` is not a whole number
                2 | workers = many
                  |           ^~~~
                  = hint: write digits only, as in `16`
                DIR/conf.d/a.conf:1:13: error: `loud` is not a value of this key
                1 | log-level = loud
                  |             ^~~~
                  = hint: the values are `error`, `warning`, `info`, `debug`
                DIR/conf.d/a.conf:2:1: error: `workers` is set twice
                2 | workers = 3
                  | ^~~~~~~
                  = hint: remove one of them
                DIR/z.conf:2:1: note: the first is here
                2 | workers = many
                  | ^~~~~~~
                DIR/conf.d/b.conf:3:8: error: there is no peer `nobody`
                3 | peer = nobody
                  |        ^~~~~~
                  = hint: add a section `[peer NAME]`

                """
        )
    }

    @Test func aFileThatIsNotThereIsAFault() throws {
        try folder.write("include = nowhere, tunnel.conf, \"\"\ninclude =\n", to: "tunnel.conf")
        let loaded = load("missing.conf", "tunnel.conf")
        #expect(loaded.configuration == nil)
        #expect(loaded.refusal == .text)
        #expect(
            report(loaded).hasPrefix(
                """
                error: `DIR/missing.conf` cannot be read: no such file or directory
                DIR/tunnel.conf:1:11: error: the folder `DIR/nowhere` cannot be read: no such file or directory
                1 | include = nowhere, tunnel.conf, ""
                  |           ^~~~~~~
                  = hint: `include` takes a folder and reads every file `*.conf` in it
                DIR/tunnel.conf:1:20: error: the folder `DIR/tunnel.conf` cannot be read: not a directory
                1 | include = nowhere, tunnel.conf, ""
                  |                    ^~~~~~~~~~~
                  = hint: `include` takes a folder and reads every file `*.conf` in it
                DIR/tunnel.conf:1:33: error: the path is empty
                """
            )
        )
        #expect(
            report(load("missing.conf"))
                == "error: `DIR/missing.conf` cannot be read: no such file or directory\n"
        )
        #expect(report(load("")) == "error: `DIR/` cannot be read: is a directory\n")
    }

    @Test func noFileAtAllIsNoConfiguration() {
        let loaded = ConfigurationLoading.load([])
        #expect(loaded.configuration == nil)
        #expect(loaded.report == "error: no configuration file was given\n")
    }

    @Test func aFolderWithoutFilesIsAWarning() throws {
        try folder.write("x", to: "office.password")
        try folder.write("not a configuration", to: "empty/README")
        try folder.write("include = empty\n" + Self.peer + Self.route("a", port: 1), to: "tunnel.conf")
        let loaded = load("tunnel.conf")
        #expect(loaded.configuration != nil)
        #expect(loaded.diagnostics.map(\.severity) == [.warning])
        #expect(loaded.diagnostics.first?.location?.column == 11)
    }

    @Test func filesThatIncludeEachOtherAreAFaultAndNotALoop() throws {
        try folder.write("include = .\n[server]\n", to: "tunnel.conf")
        let loaded = load("tunnel.conf")
        #expect(
            report(loaded).hasPrefix(
                """
                DIR/tunnel.conf:1:11: error: `DIR/./tunnel.conf` is read twice
                1 | include = .
                  |           ^
                  = hint: name it once, on the command line or with `include`

                """
            )
        )
    }

    @Test func aFileThatIsNamedTwiceIsAFaultEvenByAnotherPath() throws {
        try folder.write("x", to: "office.password")
        try folder.write("include = a, b\n" + Self.peer, to: "tunnel.conf")
        let route = try folder.write(Self.route("a", port: 1), to: "a/route.conf")
        try folder.write("", to: "b/other.conf")
        try FileManager.default.createSymbolicLink(
            atPath: "\(folder.path)/b/link.conf",
            withDestinationPath: route
        )
        let loaded = load("tunnel.conf")
        #expect(loaded.configuration == nil)
        #expect(
            loaded.diagnostics.map(\.message).map { $0.replacingOccurrences(of: folder.path, with: "DIR") }
                == [
                    "`DIR/b/link.conf` is read twice"
                ]
        )
        #expect(loaded.diagnostics.first?.notes.count == 1)
    }

    @Test func includesAreLimitedInDepth() throws {
        for depth in 0..<8 {
            let parent = String(repeating: "d/", count: depth)
            try folder.write("include = d\n", to: parent + "\(depth).conf")
        }
        let loaded = load("0.conf")
        #expect(loaded.files.count == 5)
        #expect(loaded.diagnostics.contains { $0.message == "`include` is nested more than 4 deep" })
    }

    @Test func filesAreLimitedInNumber() throws {
        try folder.write("include = many\n", to: "tunnel.conf")
        for number in 0..<300 {
            try folder.write("", to: "many/\(number).conf")
        }
        let loaded = load("tunnel.conf")
        #expect(loaded.diagnostics.filter { $0.message == "there are more than 256 files" }.count == 1)
    }

    @Test func aPipeWithoutAWriterIsNotWaitedFor() throws {
        let pipe = folder.path + "/pipe.conf"
        try #require(mkfifo(pipe, 0o600) == 0)
        #expect(
            load("pipe.conf").diagnostics.map(\.message) == [
                "there is nothing to do: neither a server nor a route"
            ]
        )
    }

    @Test func aFileWithoutEndIsNotReadToItsEnd() {
        let loaded = ConfigurationLoading.load(["/dev/zero"])
        #expect(loaded.diagnostics.map(\.message) == ["the file has more than 1 MiB"])
    }
}
