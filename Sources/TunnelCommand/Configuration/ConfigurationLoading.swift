package import ConfigurationFile
package import Tunnel

/// Reads the files of a configuration, with the folders they include, and decodes all of them as one.
package enum ConfigurationLoading {
    /// Reads and decodes; any thread may call it that may wait for files.
    ///
    /// - Parameters:
    ///   - paths: the files, as the operator names them; their sections are taken together.
    ///   - surroundings: where files come from, and what else is asked of the world.
    /// - Returns: the configuration, if there is no error, and everything there is to say about the files.
    package static func load(
        _ paths: [String],
        in surroundings: ConfigurationSurroundings = .system
    ) -> LoadedConfiguration {
        var loader = ConfigurationLoader(surroundings: surroundings)
        if paths.isEmpty {
            loader.reportNoFile()
        }
        for path in paths {
            loader.read(path, at: nil, depth: 0)
        }
        guard !loader.documents.isEmpty else {
            return LoadedConfiguration(
                configuration: nil,
                diagnostics: loader.diagnostics,
                files: loader.files
            )
        }
        let (configuration, diagnostics) = ConfigurationDecoding.decode(
            loader.documents,
            coverage: loader.coverage,
            earlier: loader.diagnostics,
            in: surroundings
        )
        return LoadedConfiguration(
            configuration: configuration,
            diagnostics: diagnostics,
            files: loader.files
        )
    }
}

/// What came of reading the files of a configuration.
package struct LoadedConfiguration: Sendable {
    /// The configuration; nil if and only if `refusal` is not.
    package let configuration: TunnelConfiguration?
    /// Errors and warnings, in the order of the text.
    package let diagnostics: [Diagnostic]
    /// The paths of the files that were read or tried, as shown in messages.
    package let files: [String]

    /// Why there is no configuration, as far as a caller has to choose between exit codes.
    package enum Refusal: Hashable, Sendable {
        /// Something in the text has to change.
        case text
        /// The text may be right: files have the wrong owner or mode, and nothing else is wrong.
        case permission
    }

    /// Why there is no configuration; nil if there is one.
    package var refusal: Refusal? {
        let errors = diagnostics.filter { $0.severity == .error }
        guard !errors.isEmpty else { return configuration == nil ? .text : nil }
        return errors.allSatisfy { $0.remedy == .permission } ? .permission : .text
    }

    /// All diagnostics as shown to an operator, each ended by a line end; empty if there are none.
    package var report: String {
        diagnostics.map { "\($0)\n" }.joined()
    }
}

/// The state of one reading of files.
private struct ConfigurationLoader {
    let surroundings: ConfigurationSurroundings
    private(set) var documents: [Document] = []
    private(set) var diagnostics: [Diagnostic] = []
    private(set) var files: [String] = []
    private(set) var coverage = DocumentCoverage.all
    /// Which files were read, by identity, and from where they were named.
    private var seen: [[UInt64]: SourceLocation?] = [:]

    init(surroundings: ConfigurationSurroundings) {
        self.surroundings = surroundings
    }

    /// Reads a file and what it includes; the location is that of the entry that led to it.
    mutating func read(_ path: String, at location: SourceLocation?, depth: Int) {
        guard files.count < Self.maxFiles else {
            if files.count == Self.maxFiles {
                report(
                    at: location,
                    "there are more than \(Self.maxFiles) files",
                    hint: "put several sections into one file"
                )
                files.append(path)
            }
            return
        }
        files.append(path)
        let content: ConfigurationSurroundings.FileContent
        switch surroundings.readFile(absolute(path)) {
        case .success(let read): content = read
        case .failure(let fault):
            report(
                at: location,
                "`\(path)` cannot be read: \(fault.reason)",
                remedy: fault.isPermission ? .permission : .text
            )
            return
        }
        if let first = seen[content.identity] {
            report(
                at: location,
                "`\(path)` is read twice",
                hint: "name it once, on the command line or by `include`",
                notes: first.map { [.init(at: $0, "it is also named here")] } ?? []
            )
            return
        }
        seen[content.identity] = .some(location)
        let file = SourceFile(name: path, ordinal: documents.count, bytes: content.bytes)
        let (document, faults) = Parser.parse(file)
        documents.append(document)
        diagnostics += faults
        for entry in document.globals where entry.key == ConfigurationKey.include.name {
            include(entry, depth: depth + 1)
        }
    }

    private mutating func include(_ entry: Entry, depth: Int) {
        if entry.value.items.isEmpty {
            report(at: entry.value.location, "`include` has no value", hint: "write `include = conf.d`")
        }
        for item in entry.value.items {
            guard depth <= Self.deepestInclude else {
                report(
                    at: item.location,
                    "files include each other more than \(Self.deepestInclude) deep",
                    hint: "name the folder in the first file"
                )
                continue
            }
            include(item, depth: depth)
        }
    }

    private mutating func include(_ item: Value.Item, depth: Int) {
        guard !item.text.isEmpty else {
            report(at: item.location, "the path is empty")
            return
        }
        let owner = ConfigurationSurroundings.folder(of: item.location.file.name)
        let folder = ConfigurationSurroundings.join(owner, item.text)
        switch surroundings.listFolder(absolute(folder)) {
        case .failure(let fault):
            report(
                at: item.location,
                "the folder `\(folder)` cannot be read: \(fault.reason)",
                hint: "`include` names a folder, of which every file `*.conf` is read",
                remedy: fault.isPermission ? .permission : .text
            )
        case .success(let names):
            // Hidden files are what editors and package managers leave behind.
            let chosen = names.filter { $0.hasSuffix(".conf") && !$0.hasPrefix(".") }.sorted {
                $0.utf8.lexicographicallyPrecedes($1.utf8)
            }
            if chosen.isEmpty {
                diagnostics.append(
                    Diagnostic(.warning, at: item.location, "there is no file `*.conf` in `\(folder)`")
                )
            }
            for name in chosen {
                read(ConfigurationSurroundings.join(folder, name), at: item.location, depth: depth)
            }
        }
    }

    mutating func reportNoFile() {
        report(at: nil, "no configuration file was named")
    }

    private func absolute(_ path: String) -> String {
        ConfigurationSurroundings.join(surroundings.currentFolder, path)
    }

    private mutating func report(
        at location: SourceLocation?,
        _ message: String,
        hint: String? = nil,
        notes: [Diagnostic.Note] = [],
        remedy: Diagnostic.Remedy = .text
    ) {
        // Every fault here is about text that was not read.
        coverage = .some
        diagnostics.append(
            Diagnostic(.error, at: location, message, hint: hint, notes: notes, remedy: remedy)
        )
    }

    /// A file that includes a folder with a file that does the same is ordinary; deeper than this is a mistake.
    private static let deepestInclude = 4
    /// A service each for a large company; more would hold up a reload, and a wrong folder has more.
    private static let maxFiles = 256
}
