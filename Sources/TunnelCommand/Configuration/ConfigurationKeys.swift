import ConfigurationFile
import Tunnel

/// The kinds of sections there are.
enum SectionKind: String, Hashable, CaseIterable {
    case server
    case service
    case peer
    case route

    /// Whether there can be several, which are told apart by name.
    var hasName: Bool {
        self != .server
    }

    /// How a header is written, for messages.
    var header: String {
        hasName ? "[\(rawValue) NAME]" : "[\(rawValue)]"
    }
}

/// A key of `tunnel.conf`: where it can stand, and how a value looks.
struct ConfigurationKey: Hashable {
    let name: String
    let scope: Scope
    /// Whether it can be there more than once, and have several values in one line.
    let isList: Bool
    /// A value as one would write it, for hints.
    let example: String

    /// Where a key can stand.
    enum Scope: Hashable {
        /// Before the first section only: it is about the whole process.
        case process
        /// In sections of these kinds only.
        case sections([SectionKind])
        /// In sections of these kinds, and before the first section as the default for all of them.
        case inherited([SectionKind])
    }

    /// The kinds of sections that know the key.
    var kinds: [SectionKind] {
        switch scope {
        case .process: []
        case .sections(let kinds), .inherited(let kinds): kinds
        }
    }

    /// Whether the key can stand in a section of this kind; nil is before the first section.
    func isAllowed(in kind: SectionKind?) -> Bool {
        switch (kind, scope) {
        case (nil, .process), (nil, .inherited): true
        case (nil, .sections): false
        case (let kind?, _): kinds.contains(kind)
        }
    }

    /// Where it belongs, as a clause for a hint.
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
    /// The key that names folders with further files; it is acted on when files are read, and decodes to nothing.
    static let include = ConfigurationKey(name: "include", scope: .process, isList: true, example: "conf.d")

    /// Every key there is, in the order in which it is documented.
    static let all: [ConfigurationKey] = [include] + Setting.allCases.map(ConfigurationKey.init)

    /// The key of this name, in lower case.
    static func named(_ name: String) -> ConfigurationKey? {
        byName[name]
    }

    private static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })

    /// The key of a setting.
    ///
    /// This is the table to extend for a new key: the compiler asks for it as soon as there is a new `Setting`.
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

/// Keys that are not ours, and what to say to somebody who writes one of them.
enum ForeignKeys {
    /// Keys that the manual speaks of and that this version does not have.
    static let later: Set<String> = [
        "encryption", "insecure-allow-unencrypted", "proxy-protocol",
        "control", "metrics",
        "user", "group", "sandbox", "targets",
    ]

    /// What keys of stunnel, in lower case, are called here.
    static let ofStunnel: [String: String] = [
        "timeoutconnect": "connect-timeout", "timeoutidle": "idle-timeout",
        "timeoutclose": "half-close-timeout",
        "timeoutbusy": "handshake-timeout", "debug": "log-level", "output": "log", "psksecrets": "passwords",
        "pskidentity": "user",
    ]

    /// Whether a value that stands behind this unknown key may be a secret, which must not get into a message.
    static func mayHoldSecret(_ key: String) -> Bool {
        let words = ["password", "passphrase", "secret", "token", "psk"]
        return words.contains { key.contains($0) } || KeySuggestion.closest(to: key, among: words) != nil
    }
}
