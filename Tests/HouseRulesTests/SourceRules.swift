import Testing

/// Rules for the code that the compiler does not check.
@Suite struct SourceRules {
    /// The one target that may import each C module.
    private static let walls = [
        "CLibuv": "EventIO", "CPlatform": "Platform", "COpenSSL": "CryptoPrimitives",
        "CIPsecMB": "CryptoPrimitives",
    ]
    /// Pure targets: bytes and time go in, bytes and events come out.
    private static let pure = ["ProtocolCore", "WireCoding", "CryptoPrimitives", "Basics"]
    /// The modules that only the target Platform imports.
    private static let cLibraries = ["Glibc", "Musl", "Darwin"]
    private static let ioModules = [
        "Foundation", "FoundationEssentials", "Glibc", "Platform", "Logging", "Dispatch",
    ]
    private static let maxLines = 400

    private static let sources = Project.files(below: "Sources", endingIn: ".swift")

    @Test func onlyOneTargetImportsEachCModule() {
        let modules = Project.folders(in: "Sources").filter { folder in
            Project.files(below: "Sources/\(folder)", endingIn: ".swift").isEmpty
        }
        for module in modules {
            let owner = Self.walls[module]
            #expect(
                owner != nil,
                "\(module) has no Swift in it, so it is C: say in `walls` which one target may import it"
            )
            for file in Self.sources where file.target != owner && file.imports.contains(module) {
                Issue.record(
                    """
                    \(file.path) imports \(module): memory, errors and threads of C are dealt with in \
                    \(owner ?? "one target") and nowhere else; use what that offers, or add to it
                    """
                )
            }
        }
    }

    @Test func theCoreDoesNoIO() {
        for file in Self.sources where Self.pure.contains(file.target) {
            for module in Self.ioModules where file.imports.contains(module) {
                Issue.record(
                    """
                    \(file.path) imports \(module): what can read a clock, a file or a socket cannot be tested \
                    without one; hand it in from SecureLink instead
                    """
                )
            }
        }
    }

    @Test func onlyPlatformImportsTheCLibrary() {
        for file in Self.sources where file.target != "Platform" {
            for module in Self.cLibraries where file.imports.contains(module) {
                Issue.record(
                    """
                    \(file.path) imports \(module): what differs between operating systems stands in Platform, so that a \
                    port touches one target; import Platform
                    """
                )
            }
        }
    }

    @Test func noSourceWaitsInEpollItself() {
        for file in Self.sources where file.text.contains("epoll_") && !file.text.contains("max_user_watches")
        {
            Issue.record("\(file.path) uses epoll: libuv is the loop, on every operating system")
        }
    }

    @Test func everyTrapHasACommentAboveIt() {
        for file in Self.sources {
            for (index, line) in file.lines.enumerated() where line.canTrap {
                let beside = file.lines[max(0, index - 4)...index]
                #expect(
                    beside.contains { $0.contains("//") },
                    """
                    \(file.path):\(index + 1) can end the process and all streams: explain right above why no input \
                    of a peer or an operator can lead there, or throw
                    """
                )
            }
        }
    }

    @Test func aFileHasAtMost400Lines() {
        for file in Self.sources + Project.files(below: "Tests", endingIn: ".swift") {
            let count = file.lines.count - 1
            #expect(
                count <= Self.maxLines,
                """
                \(file.path) has \(count) lines: more than \(Self.maxLines) are never one idea; cut it where a \
                second name for a part of it comes to mind
                """
            )
        }
    }
}

extension Project.File {
    /// The modules that the file imports.
    fileprivate var imports: Set<String> {
        var modules: Set<String> = []
        for line in lines where line.contains("import ") && !line.hasPrefix(" ") && !line.hasPrefix("/") {
            let words = line.split(separator: " ")
            guard let index = words.firstIndex(of: "import"), index + 1 < words.count else { continue }
            // `import struct Foundation.Date` also imports Foundation.
            let name = words[words.count - 1].split(separator: ".")[0]
            modules.insert(String(name))
        }
        return modules
    }
}

extension Substring {
    fileprivate var canTrap: Bool {
        let code = drop(while: \.isWhitespace)
        guard !code.hasPrefix("//") else { return false }
        return ["fatalError(", "try!", "as!"].contains { code.contains($0) }
    }

    @Test func nothingButItsOwnFileNamesTheWorker() {
        let home = "Sources/Tunnel/Service/TunnelWorker.swift"
        #expect(Project.file(home).text.contains("class TunnelWorker"))
        #expect(
            Project.file(home).lines.count < 150,
            "the worker only joins parts: a decision belongs into one of them"
        )
        for file in Project.files(below: "Sources", endingIn: ".swift") where file.path != home {
            #expect(
                !file.text.contains("TunnelWorker"),
                "\(file.path) names TunnelWorker: hand in the narrow value that it needs"
            )
        }
    }

    @Test func messagesBetweenThreadsCarryNamesAndNoPositions() {
        let file = Project.file("Sources/Tunnel/Service/WorkerMessage.swift")
        #expect(file.text.contains("enum WorkerMessage") && file.text.contains("enum WorkerReport"))
        let cases = file.lines.filter { $0.contains("case ") }
        #expect(cases.count > 10)
        for line in cases {
            #expect(
                !line.contains("Int"),
                "\(line): another thread may have read another configuration; say the name"
            )
        }
    }

    @Test func theArchitecturePageListsTheImportsOfPackageSwift() {
        // A product stands in the list with its package, and may have a condition.
        let package = Project.file("Package.swift").text
            .replacing(/,\s*condition: \.when\(traits: \["\w+"\]\)/, with: "")
            .replacing(/,\s*package: "[^"]*"/, with: "")
        let page = Project.file("docs/ARCHITECTURE.md").text
        let targets = package.matches(
            of: /(?:arget|Library)\(\s*name: "(\w+)"(?:,\s*dependencies: \[([^\]]*)\])?/
        )
        var checked = 0
        for row in page.split(separator: "\n").compactMap({
            $0.wholeMatch(of: /\| `(\w+)` \| (–|(?:`\w+`,? ?)+) \|/)
        }) {
            let drawn = Set(row.2.matches(of: /`(\w+)`/).map { String($0.1) })
            // Another table of the page has folders.
            guard let target = targets.last(where: { $0.1 == row.1 }) else { continue }
            let written = target.2.map { $0.matches(of: /"(\w+)"/).map { String($0.1) } }
            #expect(
                drawn == Set(written ?? []),
                "docs/ARCHITECTURE.md: `\(row.1)` imports something else in Package.swift"
            )
            checked += 1
        }
        #expect(
            checked == Project.folders(in: "Sources").count,
            "each target has one row in the table of imports"
        )
    }
}
