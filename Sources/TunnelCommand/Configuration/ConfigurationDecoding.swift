package import ConfigurationFile
package import Tunnel

/// Makes a `TunnelConfiguration` of what stands in files.
///
/// ```
/// documents ─ sort entries by section and key ─▶ scopes      unknown, misplaced and repeated keys
/// scopes ──── read each value ─────────────────▶ values      forms, missing keys
/// values ──── TunnelConfiguration.init ────────▶ configuration   ranges, names, listeners: faults get their places back
/// ```
/// Every step goes on after a fault, with something harmless in place of what is missing, so that all are told at once. A
/// place about which one step has complained is not complained about by the next.
package enum ConfigurationDecoding {
    /// Decodes the documents of one configuration, in the order in which they were read; any thread may call it.
    ///
    /// - Parameters:
    ///   - documents: what stands in the files.
    ///   - coverage: whether these are all documents there should be.
    ///   - earlier: what reading and parsing them has already found; with an error in it there is no configuration.
    ///   - surroundings: what is asked about secret files, variables, and the size of the machine.
    /// - Returns: the configuration, nil if there is any error; and everything there is to say, in the order of the text.
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

/// Whether there are all the documents of a configuration.
package enum DocumentCoverage: Hashable, Sendable {
    /// There are.
    case all
    /// Some could not be read, so that something may only seem to be missing.
    case some
}

/// The state of one decoding: what was said so far, and what stands where.
struct ConfigurationDecoder {
    let surroundings: ConfigurationSurroundings
    var diagnostics: [Diagnostic]
    /// Where the values stand that faults can be about.
    var places = ConfigurationPlaces()
    /// What has been complained about, so that what follows from it is not told as well.
    var reported: Set<ConfigurationPlaces.Slot> = []
    /// Whether a header could not be understood, so that something may only seem to be missing.
    var hasDoubtfulSection = false
    /// Names from headers that could not be understood, of what may be a peer; nil among them may be any name.
    var doubtfulNames: Set<String?> = []
    /// The peers that routes name, in the order of the routes.
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
        // Every part is read before the whole is checked: reading is what finds the faults.
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

    /// A line with a key that may stand before a secret is not repeated, whatever the fault in it is.
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

/// What stands before the first section as the default for all sections that know it.
struct InheritedSettings {
    let link: LinkSettings
    let stream: StreamSettings
}
