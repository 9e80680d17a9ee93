import ConfigurationFile
import Tunnel

/// The kinds of sections.
enum SectionKind: String, Hashable, CaseIterable {
    case server
    case service
    case peer
    case route

    /// Whether a configuration may have several sections of this kind, each with a name.
    var hasName: Bool {
        self != .server
    }

    /// The form of a header, for messages.
    var header: String {
        hasName ? "[\(rawValue) NAME]" : "[\(rawValue)]"
    }
}

/// A key of `tunnel.conf`, with the places where it is allowed and an example of a value.
struct ConfigurationKey: Hashable {
    let name: String
    let scope: Scope
    /// Whether the key may be repeated and may have several values in one line.
    let isList: Bool
    /// An example of a value, for hints.
    let example: String

    /// The places where a key is allowed.
    enum Scope: Hashable {
        /// Only before the first section: a global key, which applies to the whole process.
        case process
        /// Only in sections of these kinds.
        case sections([SectionKind])
        /// In sections of these kinds, and before the first section as the default for all such sections.
        case inherited([SectionKind])
    }

    /// The kinds of sections that may have the key.
    var kinds: [SectionKind] {
        switch scope {
        case .process: []
        case .sections(let kinds), .inherited(let kinds): kinds
        }
    }

    /// Whether the key is allowed in a section of this kind; nil means before the first section.
    func isAllowed(in kind: SectionKind?) -> Bool {
        switch (kind, scope) {
        case (nil, .process), (nil, .inherited): true
        case (nil, .sections): false
        case (let kind?, _): kinds.contains(kind)
        }
    }

    /// The places where the key is allowed, as a clause for a hint.
    var belongs: String {
        switch scope {
        case .process: "before the first section"
        case .sections(let kinds): "in " + kinds.map(\.header).joined(separator: " or ")
        case .inherited(let kinds):
            "in " + kinds.map(\.header).joined(separator: ", ") + " or before the first section"
        }
    }
}

extension ConfigurationKey {
    /// The key that names folders with further files.
    ///
    /// It takes effect when files are read, and has no value in a configuration.
    static let include = ConfigurationKey(name: "include", scope: .process, isList: true, example: "conf.d")

    /// All keys, in the order of the documentation.
    static let all: [ConfigurationKey] = [include] + Setting.allCases.map(ConfigurationKey.init)

    /// The key of this name, which is in lower case.
    static func named(_ name: String) -> ConfigurationKey? {
        byName[name]
    }

    private static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })

    /// The key of a setting.
    ///
    /// Extend this table for a new key: the compiler requires an entry for every `Setting`.
    init(_ setting: Setting) {
        name = setting.rawValue
        (scope, isList, example) =
            switch setting {
            case .workers: (.process, false, "4")
            case .busyPoll: (.process, false, "yes")
            case .maxStreams: (.process, false, "16384")
            case .maxLinks: (.process, false, "4096")
            case .maxHandshakes: (.process, false, "256")
            case .memory: (.process, false, "25%")
            case .drainTimeout: (.process, false, "30s")
            case .aeadBackend: (.process, false, "auto")
            case .logLevel: (.process, false, "info")
            case .logFormat: (.process, false, "text")
            case .log: (.process, false, "stderr")

            case .listen: (.sections([.server]), true, "0.0.0.0:7443")
            case .passwords: (.sections([.server]), false, "passwords")

            case .connect: (.sections([.service]), true, "127.0.0.1:5432")
            case .allow: (.sections([.service]), true, "alice, bob")
            case .failover: (.sections([.service, .peer]), false, "prio")

            case .address: (.sections([.peer]), true, "tunnel.example.com:7443")
            case .user: (.sections([.peer]), false, "alice")
            case .passwordFile: (.sections([.peer]), false, "office.password")
            case .passwordEnvironment: (.sections([.peer]), false, "OFFICE_PASSWORD")
            case .realm: (.sections([.peer]), false, "example.net#7c1f")
            case .links: (.sections([.peer]), false, "auto")

            case .accept: (.sections([.route]), true, "127.0.0.1:5432")
            case .peer: (.sections([.route]), false, "office")
            case .service: (.sections([.route]), false, "postgres")
            case .share: (.sections([.route]), false, "yes")

            case .connectTimeout: (.inherited([.peer, .route, .service]), false, "10s")
            case .handshakeTimeout: (.inherited([.server, .peer]), false, "10s")
            case .keepalive: (.inherited([.server, .peer]), false, "15s/45s")
            case .chunk: (.inherited([.server, .peer]), false, "4KiB")
            case .maxRecord: (.inherited([.server, .peer]), false, "64KiB")
            case .window: (.inherited([.server, .peer]), false, "256KiB/16MiB")
            case .resumeWindow: (.inherited([.server, .peer]), false, "120s")
            case .resumeBuffer: (.inherited([.server, .peer]), false, "16MiB")
            case .idleTimeout: (.inherited([.route, .service]), false, "off")
            case .halfCloseTimeout: (.inherited([.route, .service]), false, "60s")
            }
    }
}

/// Keys that this version does not have, for better hints.
enum ForeignKeys {
    /// Keys that this version does not have, but a later one may have.
    static let later: Set<String> = [
        "encryption", "insecure-allow-unencrypted", "proxy-protocol",
        "control", "metrics",
        "user", "group", "sandbox", "targets",
    ]

    /// Keys of stunnel, in lower case, and the corresponding keys of `tunnel.conf`.
    static let ofStunnel: [String: String] = [
        "timeoutconnect": "connect-timeout", "timeoutidle": "idle-timeout",
        "timeoutclose": "half-close-timeout",
        "timeoutbusy": "handshake-timeout", "debug": "log-level", "output": "log", "psksecrets": "passwords",
        "pskidentity": "user",
    ]

    /// Whether the value of this unknown key may be a secret, which must not appear in a message.
    static func mayHoldSecret(_ key: String) -> Bool {
        let words = ["password", "passphrase", "secret", "token", "psk"]
        return words.contains { key.contains($0) } || KeySuggestion.closest(to: key, among: words) != nil
    }
}
