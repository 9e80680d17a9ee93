package import ConfigurationFile
package import Tunnel

/// Makes a `TunnelConfiguration` from parsed files.
///
/// ```
/// documents ─ sort entries by section and key ─▶ scopes      unknown, misplaced and repeated keys
/// scopes ──── read each value ─────────────────▶ values      forms, missing keys
/// values ──── TunnelConfiguration.init ────────▶ configuration   ranges, names, listeners: faults are mapped back to places
/// ```
/// Every step continues after a fault, with a harmless placeholder for the missing value. So the decoder reports all faults at
/// once. If a step has reported a fault at a place, later steps report none there.
package enum ConfigurationDecoding {
    /// Decodes the documents of one configuration, in the order in which they were read; any thread may call it.
    ///
    /// - Parameters:
    ///   - documents: the parsed files.
    ///   - coverage: whether the documents are complete.
    ///   - earlier: the diagnostics of reading and parsing; if one is an error, the result has no configuration.
    ///   - surroundings: the source of facts about secret files, environment variables and the size of the machine.
    /// - Returns: the configuration, or nil if there is an error; and all diagnostics, in the order of the text.
    package static func decode(
        _ documents: [Document],
        coverage: DocumentCoverage = .all,
        earlier: [Diagnostic] = [],
        in surroundings: ConfigurationSurroundings
    ) -> (configuration: TunnelConfiguration?, diagnostics: [Diagnostic]) {
        var decoder = ConfigurationDecoder(surroundings: surroundings, diagnostics: earlier)
        if coverage == .some || documents.contains(where: { !$0.isWhole }) {
            decoder.hasDoubtfulSection = true
            decoder.doubtfulNames.insert(nil)
        }
        let configuration = decoder.decode(documents)
        return (configuration, decoder.diagnostics.sortedByPlace())
    }
}

/// Whether the documents of a configuration are complete.
package enum DocumentCoverage: Hashable, Sendable {
    /// All documents were read.
    case all
    /// Some documents could not be read; a part that seems to be missing may be in one of them.
    case some
}

/// The state of one decoding: the diagnostics so far, and the places of values.
struct ConfigurationDecoder {
    let surroundings: ConfigurationSurroundings
    var diagnostics: [Diagnostic]
    /// The places of the values that a fault can refer to.
    var places = ConfigurationPlaces()
    /// The settings with a reported fault, so that faults that only result from it are not reported.
    var reported: Set<ConfigurationPlaces.Slot> = []
    /// Whether a header could not be understood; it may stand for a part that seems to be missing.
    var hasDoubtfulSection = false
    /// The names in headers that could not be understood and may stand for a peer; nil among them means any name.
    var doubtfulNames: Set<String?> = []
    /// The peer that each route names, in the order of the routes.
    var peersOfRoutes: [String] = []

    init(surroundings: ConfigurationSurroundings, diagnostics: [Diagnostic]) {
        self.surroundings = surroundings
        self.diagnostics = diagnostics
    }

    mutating func decode(_ documents: [Document]) -> TunnelConfiguration? {
        let scopes = sort(documents)
        places.start = documents.first?.file.start
        let configuration = makeConfiguration(from: scopes)
        concealSecrets(in: documents)
        guard let configuration, !diagnostics.contains(where: { $0.severity == .error }) else { return nil }
        warn(about: configuration, scopes)
        return configuration
    }

    private mutating func makeConfiguration(from scopes: ConfigurationScopes) -> TunnelConfiguration? {
        let globals = scopes.globals
        let defaults = InheritedSettings(
            link: readLinkSettings(in: globals, defaults: LinkSettings()),
            stream: readStreamSettings(in: globals, defaults: StreamSettings())
        )
        // All parts are read before the whole is checked, because only reading reports the faults of single values.
        let workers = readWorkers(in: globals)
        let busyPoll = readBusyPoll(in: globals)
        let limits = readLimits(in: globals)
        let drainTimeout = readDrainTimeout(in: globals)
        let aead = readAEAD(in: globals)
        let log = readLog(in: globals)
        let server = scopes.server.map { readServer(in: $0, defaults) }
        let services = scopes.services.map { readService(in: $0, defaults) }
        let peers = scopes.peers.map { readPeer(in: $0, defaults) }
        let routes = scopes.routes.map { readRoute(in: $0, defaults) }
        do {
            return try TunnelConfiguration(
                workers: workers,
                busyPoll: busyPoll,
                limits: limits,
                drainTimeout: drainTimeout,
                aead: aead,
                log: log,
                server: server,
                services: services,
                peers: peers,
                routes: routes
            )
        } catch {
            for fault in error.faults {
                report(fault)
            }
            return nil
        }
    }

    /// Hides the value in every diagnostic about a line whose unknown key may precede a secret.
    private mutating func concealSecrets(in documents: [Document]) {
        var columns: [SourceLocation: Int] = [:]
        for document in documents {
            for entry in document.globals + document.sections.flatMap(\.entries)
            where ForeignKeys.mayHoldSecret(entry.key) && ConfigurationKey.named(entry.key) == nil {
                columns[entry.keyLocation] = entry.keyLocation.column + entry.keyLocation.length
            }
        }
        guard !columns.isEmpty else { return }
        let byLine = Dictionary(columns.map { ([$0.file.ordinal, $0.line], $1) }) { first, _ in first }
        diagnostics = diagnostics.map { diagnostic in
            guard let location = diagnostic.location, diagnostic.concealedFrom == nil,
                let column = byLine[[location.file.ordinal, location.line]]
            else { return diagnostic }
            return diagnostic.concealing(from: column)
        }
    }
}

/// The settings before the first section, which are defaults for the sections.
struct InheritedSettings {
    let link: LinkSettings
    let stream: StreamSettings
}
