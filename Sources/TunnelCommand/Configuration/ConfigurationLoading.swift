package import ConfigurationFile
package import Tunnel

/// Reads the files of a configuration and of the folders they include, and decodes all of them as one configuration.
package enum ConfigurationLoading {
    /// Reads and decodes files; any thread that may block on files may call it.
    ///
    /// - Parameters:
    ///   - paths: the files, as the operator names them; their sections make one configuration.
    ///   - surroundings: the source of files and of facts about the machine.
    /// - Returns: the configuration, if there is no error, and all diagnostics.
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

/// The result of reading the files of a configuration.
package struct LoadedConfiguration: Sendable {
    /// The configuration; nil if and only if `refusal` is not nil.
    package let configuration: TunnelConfiguration?
    /// Errors and warnings, in the order of the text.
    package let diagnostics: [Diagnostic]
    /// The paths of the files that were read or could not be read, as shown in messages.
    package let files: [String]

    /// The reason why there is no configuration, which selects the exit code.
    package enum Refusal: Hashable, Sendable {
        /// The text has to change.
        case text
        /// The text need not change: files have the wrong owner or mode, and nothing else is wrong.
        case permission
    }

    /// The reason why there is no configuration; nil if there is one.
    package var refusal: Refusal? {
        let errors = diagnostics.filter { $0.severity == .error }
        guard !errors.isEmpty else { return configuration == nil ? .text : nil }
        return errors.allSatisfy { $0.remedy == .permission } ? .permission : .text
    }

    /// All diagnostics as shown to an operator, each with a line end; empty if there are none.
    package var report: String {
        diagnostics.map { "\($0)\n" }.joined()
    }
}

/// The state of reading files.
private struct ConfigurationLoader {
    let surroundings: ConfigurationSurroundings
    private(set) var documents: [Document] = []
    private(set) var diagnostics: [Diagnostic] = []
    private(set) var files: [String] = []
    private(set) var coverage = DocumentCoverage.all
    /// The files that were read, by identity, each with the place that named it.
    private var seen: [[UInt64]: SourceLocation?] = [:]

    init(surroundings: ConfigurationSurroundings) {
        self.surroundings = surroundings
    }

    /// Reads a file and the folders that it includes.
    ///
    /// The location is that of the entry that included the file.
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
                hint: "name it once, on the command line or with `include`",
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
                    "`include` is nested more than \(Self.deepestInclude) deep",
                    hint: "include the folder from the first file"
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
                hint: "`include` takes a folder and reads every file `*.conf` in it",
                remedy: fault.isPermission ? .permission : .text
            )
        case .success(let names):
            // Hidden files are skipped: editors and package managers leave them behind.
            let chosen = names.filter { $0.hasSuffix(".conf") && !$0.hasPrefix(".") }.sorted {
                $0.utf8.lexicographicallyPrecedes($1.utf8)
            }
            if chosen.isEmpty {
                diagnostics.append(
                    Diagnostic(.warning, at: item.location, "the folder `\(folder)` has no file `*.conf`")
                )
            }
            for name in chosen {
                read(ConfigurationSurroundings.join(folder, name), at: item.location, depth: depth)
            }
        }
    }

    mutating func reportNoFile() {
        report(at: nil, "no configuration file was given")
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
        // Every fault that is reported here means that some text was not read.
        coverage = .some
        diagnostics.append(
            Diagnostic(.error, at: location, message, hint: hint, notes: notes, remedy: remedy)
        )
    }

    /// The largest depth of nested `include`.
    ///
    /// Two levels are usual. More than this number is a mistake, such as folders that include each other. Larger: the error
    /// comes after more files. Smaller: useful nesting is refused.
    private static let deepestInclude = 4
    /// The largest number of files.
    ///
    /// Larger: reading takes longer, and a wrong folder is not noticed. Smaller: a large company cannot have a file for each
    /// service.
    private static let maxFiles = 256
}
