import ConfigurationFile
import Tunnel

/// The entries of one section, or the entries before the first section of all files, by setting.
///
/// It contains only keys that are known and allowed there, and only the first entry of a repeated key with a single value.
struct ConfigurationScope {
    let part: ConfigurationFault.Part
    /// The kind of the section; nil means before the first section.
    let kind: SectionKind?
    /// The name of the section, or a unique placeholder if the name is missing; the fault has been reported then.
    let name: String
    /// The name of the section in messages.
    let title: String
    /// The entries of each setting, in order.
    var entries: [Setting: [Entry]] = [:]
}

/// All scopes of a configuration, with the sections in the order of the text.
struct ConfigurationScopes {
    var globals = ConfigurationScope(part: .process, kind: nil, name: "", title: "before the first section")
    var server: ConfigurationScope?
    var services: [ConfigurationScope] = []
    var peers: [ConfigurationScope] = []
    var routes: [ConfigurationScope] = []
}

/// The first step of decoding: sort sections by kind and entries by setting.
extension ConfigurationDecoder {
    mutating func sort(_ documents: [Document]) -> ConfigurationScopes {
        var scopes = ConfigurationScopes()
        for document in documents {
            for entry in document.globals {
                sort(entry, into: &scopes.globals)
            }
        }
        var serverLocation: SourceLocation?
        for section in documents.flatMap(\.sections) {
            guard let kind = kind(of: section) else {
                hasDoubtfulSection = true
                // The writer of `[office]` may have meant `[peer office]`.
                doubtfulNames.insert(section.name ?? (section.kind.isEmpty ? nil : section.kind))
                continue
            }
            if kind == .server, let first = serverLocation {
                diagnostics.append(
                    Diagnostic(
                        .error,
                        at: section.location,
                        "there is a second [server]",
                        hint: "one server can `listen` on many addresses: move the keys into one section",
                        notes: [.init(at: first, "the first is here")]
                    )
                )
                continue
            }
            var scope = makeScope(of: section, kind, scopes)
            for entry in section.entries {
                sort(entry, into: &scope)
            }
            switch kind {
            case .server:
                serverLocation = section.location
                scopes.server = scope
            case .service: scopes.services.append(scope)
            case .peer: scopes.peers.append(scope)
            case .route: scopes.routes.append(scope)
            }
        }
        return scopes
    }

    // MARK: - Sections

    private mutating func kind(of section: Section) -> SectionKind? {
        // The parser has reported a header without a kind.
        guard !section.kind.isEmpty else { return nil }
        if let kind = SectionKind(rawValue: section.kind) { return kind }
        let hint: String
        if let meant = KeySuggestion.closest(to: section.kind, among: SectionKind.allCases.map(\.rawValue)) {
            hint = "did you mean `\(SectionKind(rawValue: meant)?.header ?? meant)`?"
        } else if section.name == nil, TunnelConfiguration.isName(section.kind) {
            // In stunnel, a header is only a name. Here it needs a kind, which depends on the end of the tunnel.
            hint =
                "write `[service \(section.kind)]` at the server end, `[route \(section.kind)]` at the client end"
        } else {
            hint = "the sections are " + SectionKind.allCases.map { "`\($0.header)`" }.joined(separator: ", ")
        }
        diagnostics.append(
            Diagnostic(.error, at: section.kindLocation, "unknown section `\(section.kind)`", hint: hint)
        )
        return nil
    }

    private mutating func makeScope(
        of section: Section,
        _ kind: SectionKind,
        _ scopes: ConfigurationScopes
    ) -> ConfigurationScope {
        let part: ConfigurationFault.Part =
            switch kind {
            case .server: .server
            case .service: .service(scopes.services.count)
            case .peer: .peer(scopes.peers.count)
            case .route: .route(scopes.routes.count)
            }
        places.headers[part] = section.location
        places.names[part] = section.nameLocation
        if kind.hasName, section.name == nil {
            reported.insert(.init(part: part, setting: nil))
            hasDoubtfulSection = true
            if kind == .peer { doubtfulNames.insert(nil) }
            diagnostics.append(
                Diagnostic(
                    .error,
                    at: section.location,
                    "a \(kind) needs a name",
                    hint: "write `[\(kind) NAME]`"
                )
            )
        }
        if !kind.hasName, let location = section.nameLocation {
            diagnostics.append(
                Diagnostic(.error, at: location, "[server] takes no name", hint: "write `[server]`")
            )
        }
        // The placeholder is a valid name, so that it causes no further faults, and an unlikely one, so that it equals no other
        // name in the text.
        let name =
            section.name
            ?? ".-.\(part)".unicodeScalars.filter { $0 != "(" && $0 != ")" }.map(String.init).joined()
        let title = kind.hasName && section.name != nil ? "[\(kind) \(name)]" : "[\(kind)]"
        return ConfigurationScope(part: part, kind: kind, name: name, title: title)
    }

    // MARK: - Entries

    private mutating func sort(_ entry: Entry, into scope: inout ConfigurationScope) {
        guard let key = ConfigurationKey.named(entry.key) else {
            reportUnknown(entry, scope)
            return
        }
        guard key.isAllowed(in: scope.kind) else {
            reportMisplaced(entry, key, scope)
            return
        }
        // Only `include` has no setting: it took effect when the files were read.
        guard let setting = Setting(rawValue: key.name) else { return }
        if !key.isList, let first = scope.entries[setting]?.first {
            reported.insert(.init(part: scope.part, setting: setting))
            diagnostics.append(
                Diagnostic(
                    .error,
                    at: entry.keyLocation,
                    "`\(key.name)` is set twice",
                    hint: "remove one of them",
                    notes: [.init(at: first.keyLocation, "the first is here")]
                )
            )
            return
        }
        scope.entries[setting, default: []].append(entry)
    }

    private mutating func reportMisplaced(
        _ entry: Entry,
        _ key: ConfigurationKey,
        _ scope: ConfigurationScope
    ) {
        let message =
            switch key.scope {
            case .process: "`\(key.name)` is a global key and is not allowed in \(scope.title)"
            case .sections, .inherited:
                scope.kind == nil
                    ? "`\(key.name)` is not allowed before the first section"
                    : "`\(key.name)` is not a key of \(scope.title)"
            }
        // In other programs, a global `user` is the user that the process runs as.
        let isAlsoLater = scope.kind == nil && ForeignKeys.later.contains(key.name)
        let hint =
            "it belongs \(key.belongs)"
            + (isAlsoLater ? "; this version has no global key of this name" : "")
        diagnostics.append(
            Diagnostic(.error, at: entry.keyLocation, message, hint: hint)
        )
    }

    private mutating func reportUnknown(_ entry: Entry, _ scope: ConfigurationScope) {
        let isLater = ForeignKeys.later.contains(entry.key)
        let mayHoldSecret = ForeignKeys.mayHoldSecret(entry.key)
        diagnostics.append(
            Diagnostic(
                .error,
                at: entry.keyLocation,
                isLater ? "this version does not have the key `\(entry.key)`" : "unknown key `\(entry.key)`",
                hint: isLater ? "remove the line" : hint(forUnknown: entry.key, in: scope),
                concealedFrom: mayHoldSecret ? entry.keyLocation.column + entry.keyLocation.length : nil
            )
        )
    }

    private func hint(forUnknown key: String, in scope: ConfigurationScope) -> String {
        let here = ConfigurationKey.all.filter { $0.isAllowed(in: scope.kind) }.map(\.name)
        if let name = ForeignKeys.ofStunnel[key] {
            return "it is called `\(name)` here"
        }
        if let meant = KeySuggestion.closest(to: key, among: here) {
            return "did you mean `\(meant)`?"
        }
        if ForeignKeys.mayHoldSecret(key) {
            return "keep the password in a file of its own: write `password-file = FILE` in [peer NAME]"
        }
        if let meant = KeySuggestion.closest(to: key, among: ConfigurationKey.all.map(\.name)),
            let known = ConfigurationKey.named(meant)
        {
            return "did you mean `\(meant)`, which belongs \(known.belongs)?"
        }
        let place = scope.kind == nil ? scope.title : "of \(scope.title)"
        return "the keys \(place) are \(here.joined(separator: ", "))"
    }
}
