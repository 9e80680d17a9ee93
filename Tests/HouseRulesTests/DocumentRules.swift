import Foundation
import Testing

/// Rules for the documents: everything that they name exists, and everything that exists is named.
@Suite struct DocumentRules {
    private static let keys = SourceNames.configurationKeys

    @Test func everyKeyIsDescribed() {
        #expect(
            Self.keys.count > 20,
            "the keys could not be read from Setting: this rule looks in the wrong place"
        )
        let manual = Project.file("docs/man/tunnel.conf.5").text.replacing("\\-", with: "-")
        let operations = Project.file("docs/OPERATIONS.md").text
        let example = Project.file("tunnel.conf.example").text
        for key in Self.keys {
            let isInManual = manual.contains("\n.BI \(key) \" = ")
            #expect(
                isInManual,
                "docs/man/tunnel.conf.5 does not describe `\(key)`: who meets it in a file looks there first"
            )
            let isInTable = operations.contains("\n| `\(key)` |")
            #expect(
                isInTable,
                "docs/OPERATIONS.md has no row for `\(key)`: a key is worth having only if one knows when to set it"
            )
            let isInExample = example.split(separator: "\n").contains { line in
                let entry = line.drop { $0 == "#" || $0 == " " }
                return entry.hasPrefix(key)
                    && entry.dropFirst(key.count).drop { $0 == " " }.hasPrefix("=")
            }
            #expect(isInExample, "tunnel.conf.example does not have `\(key)`: it is where people copy from")
        }
    }

    @Test func everyCommandIsDescribed() {
        let commands = SourceNames.commands
        #expect(commands.count > 4, "the commands could not be read: this rule looks in the wrong place")
        let manual = Project.file("docs/man/sallyport.8").text
        for command in commands {
            let hasSection = manual.contains("\n.SS \(command)\n")
            let hasSynopsis = manual.contains("\n.B sallyport \(command)\n")
            #expect(
                hasSection && hasSynopsis,
                "docs/man/sallyport.8 has no synopsis or no section for `\(command)`"
            )
        }
    }

    @Test func theReadmeNamesTheTwoFirstCommands() {
        let readme = Project.file("README.md").text
        for command in ["make demo", "make test"] {
            #expect(
                readme.contains(command),
                "README.md does not name `\(command)`: a newcomer types it first"
            )
        }
    }

    @Test func theReadmeNamesEveryFolder() {
        let readme = Project.file("README.md").text
        let folders =
            Project.folders(in: "Sources").map { "Sources/\($0)" } + [
                "Tests", "Benchmarks", "Fuzzing", "docs",
            ]
        for folder in folders {
            let isListed = readme.contains("`\(folder)`")
            #expect(
                isListed,
                "README.md, \"Where things are\", does not name \(folder): nobody finds what no list has"
            )
        }
    }

    @Test func sectionsThatTheCodeRefersToExist() {
        let headings = Markdown.headings(of: Project.file("docs/PROTOCOL.md"))
        let titles = Set(headings.map(\.title))
        let numbers = Set(headings.map(\.number))
        let references = SourceNames.protocolReferences
        #expect(
            !references.isEmpty,
            "no reference to PROTOCOL.md was found: this rule looks in the wrong place"
        )
        for reference in references {
            let exists = titles.contains(reference.section) || numbers.contains(reference.section)
            #expect(
                exists,
                """
                \(reference.path) refers to PROTOCOL.md, \(reference.section): there is no such section, and a \
                reader would think that the code is not specified
                """
            )
        }
    }

    @Test func documentsThatTheCodeRefersToExist() {
        for folder in ["Sources", "Tests", "Benchmarks", "Fuzzing"] {
            for file in Project.files(below: folder, endingIn: ".swift") {
                for match in file.text.matches(of: /docs\/[A-Za-z0-9\/_.-]+\.(md|[58])\b/) {
                    #expect(
                        Project.exists(String(match.0)),
                        "\(file.path) refers to \(match.0), which is not there"
                    )
                }
            }
        }
    }

    @Test(arguments: Project.files(below: "", endingIn: ".md"))
    func linksResolve(file: Project.File) {
        let folder = (file.path as NSString).deletingLastPathComponent
        for link in Markdown.links(in: file) where !link.contains(":") {
            let parts = link.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
            let named =
                parts[0].isEmpty ? file.path : (folder as NSString).appendingPathComponent(String(parts[0]))
            let target = (named as NSString).standardizingPath
            #expect(Project.exists(target), "\(file.path) links to \(link), and there is nothing")
            guard parts.count == 2, target.hasSuffix(".md") else { continue }
            #expect(
                Markdown.headings(of: Project.file(target)).contains { $0.anchor == parts[1] },
                "\(file.path) links to \(link), and there is no such heading"
            )
        }
    }
}
