/// Names that the sources define or refer to, read from their text, so that the rules import no module.
enum SourceNames {
    /// Every key of `tunnel.conf`.
    static var configurationKeys: [String] {
        let text = Project.file("Sources/Tunnel/Plan/ConfigurationFault.swift").text
        guard let match = text.firstMatch(of: /enum Setting: String[^{]*\{([^}]*)\}/) else { return [] }
        let settings = match.1.matches(of: /case (\w+)(?: = "([^"]+))?/).map { setting in
            String(setting.2 ?? setting.1)
        }
        // The parser handles it while it reads files; it is no setting.
        return ["include"] + settings
    }

    /// Every command of the program.
    static var commands: [String] {
        Project.files(below: "Sources/TunnelCommand", endingIn: ".swift").flatMap { file in
            file.text.matches(of: /commandName: "([a-z-]+)"/).map { String($0.1) }
        }.filter { $0 != "sallyport" }
    }

    /// A place where the sources or tests name a section of the protocol's document.
    struct Reference {
        let path: String
        /// The section's title, or its number.
        let section: String
    }

    /// References such as "PROTOCOL.md, Key schedule" and "PROTOCOL.md §7", also across a line break.
    static var protocolReferences: [Reference] {
        let files =
            Project.files(below: "Sources", endingIn: ".swift")
            + Project.files(below: "Tests", endingIn: ".swift").filter { $0.target != "HouseRulesTests" }
        return files.flatMap { file in
            let text = file.text.replacing(/\n\s*\/\/\/?[ ]*/, with: " ")
            let titles = text.matches(of: /PROTOCOL\.md, ([A-Z][A-Za-z_ -]*[A-Za-z])/).map { String($0.1) }
            let numbers = text.matches(of: /PROTOCOL\.md §([0-9]+(?:\.[0-9]+)*)/).map { String($0.1) }
            return (titles + numbers).map { Reference(path: file.path, section: $0) }
        }
    }
}
