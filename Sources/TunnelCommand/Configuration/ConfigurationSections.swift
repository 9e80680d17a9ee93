import ConfigurationFile
import CryptoPrimitives
import EventIO
import Platform
import Tunnel
import Vocabulary

/// The sections of a configuration, read key by key.
extension ConfigurationDecoder {
    // MARK: - The process

    mutating func readWorkers(in globals: ConfigurationScope) -> Int {
        let standard = TunnelConfiguration.defaultWorkers(of: surroundings.machine)
        return integer(.workers, in: globals, default: standard)
    }

    mutating func readBusyPoll(in globals: ConfigurationScope) -> Bool {
        let standard = TunnelConfiguration.defaultBusyPoll(of: surroundings.machine)
        return value(.busyPoll, in: globals, default: standard) { item throws(ValueFault) in
            try ValueDecoding.yesOrNo(item.text)
        }
    }

    mutating func readLimits(in globals: ConfigurationScope) -> ProcessLimits {
        let machine = surroundings.machine
        var limits = ProcessLimits(memory: ProcessLimits.defaultMemory(of: machine))
        limits.maxStreams = integer(.maxStreams, in: globals, default: limits.maxStreams)
        limits.maxLinks = integer(.maxLinks, in: globals, default: limits.maxLinks)
        limits.maxHandshakes = integer(.maxHandshakes, in: globals, default: limits.maxHandshakes)
        limits.memory = value(.memory, in: globals, default: limits.memory) { item throws(ValueFault) in
            try ByteShare(parsing: item.text).bytes(of: machine.memory)
        }
        return limits
    }

    mutating func readDrainTimeout(in globals: ConfigurationScope) -> Duration {
        duration(.drainTimeout, in: globals, default: TunnelConfiguration.defaultDrainTimeout)
    }

    mutating func readAEAD(in globals: ConfigurationScope) -> AEADChoice {
        let choice = word(.aeadBackend, in: globals, default: AEADChoice.default)
        let slot = ConfigurationPlaces.Slot(part: globals.part, setting: .aeadBackend)
        if let location = places.values[slot]?.first, let reason = surroundings.aeadFault(choice) {
            report(
                ValueFault(
                    "`\(choice.rawValue)` cannot be used here: \(reason)",
                    hint: "write `auto` to use it only where it works"
                ),
                at: location,
                .aeadBackend,
                globals
            )
        }
        return choice
    }

    mutating func readLog(in globals: ConfigurationScope) -> LogSettings {
        let surroundings = surroundings
        var log = LogSettings()
        log.level = word(.logLevel, in: globals, default: log.level)
        log.format = word(.logFormat, in: globals, default: log.format)
        log.destination = value(.log, in: globals, default: log.destination) { item throws(ValueFault) in
            switch item.text.lowercased() {
            case "stderr": return .standardError
            case "syslog":
                throw ValueFault(
                    "this version cannot log to syslog",
                    hint: "log to `stderr` for a service manager; for a file of this name write `./syslog`"
                )
            default: return .file(path: try surroundings.path(item))
            }
        }
        return log
    }

    // MARK: - The server end

    mutating func readServer(
        in scope: ConfigurationScope,
        _ defaults: InheritedSettings
    ) -> ServerConfiguration {
        ServerConfiguration(
            // Links come from other machines, so a bare port means every address.
            listen: requiredEndpoints(.listen, in: scope, .listening(barePortHost: "")),
            passwordFile: secretFile(.passwords, in: scope, isRequired: true),
            link: readLinkSettings(in: scope, defaults: defaults.link)
        )
    }

    mutating func readService(
        in scope: ConfigurationScope,
        _ defaults: InheritedSettings
    ) -> ServiceConfiguration {
        ServiceConfiguration(
            name: scope.name,
            targets: requiredEndpoints(.connect, in: scope, .dialling(barePortHost: Self.loopback)),
            failover: word(.failover, in: scope, default: .default),
            allow: readAllow(in: scope),
            stream: readStreamSettings(in: scope, defaults: defaults.stream)
        )
    }

    private mutating func readAllow(in scope: ConfigurationScope) -> [String]? {
        guard let entries = scope.entries[.allow] else { return nil }
        // An empty list stays empty: it allows no user, which `TunnelConfiguration` reports as a fault.
        guard entries.contains(where: { !$0.value.items.isEmpty }) else {
            places.values[.init(part: scope.part, setting: .allow)] = entries.map(\.value.location)
            return []
        }
        return values(.allow, in: scope) { item in item.text }
    }

    // MARK: - The client end

    mutating func readPeer(in scope: ConfigurationScope, _ defaults: InheritedSettings) -> PeerConfiguration {
        PeerConfiguration(
            name: scope.name,
            addresses: requiredEndpoints(.address, in: scope, .dialling(barePortHost: nil)),
            failover: word(.failover, in: scope, default: .default),
            user: readUser(in: scope),
            password: readPassword(in: scope),
            realm: value(.realm, in: scope, default: nil) { item in item.text },
            links: value(.links, in: scope, default: .automatic) { item throws(ValueFault) in
                item.text.lowercased() == "auto" ? .automatic : .fixed(try ValueDecoding.integer(item.text))
            },
            link: readLinkSettings(in: scope, defaults: defaults.link),
            connectTimeout: duration(.connectTimeout, in: scope, default: defaults.stream.connectTimeout)
        )
    }

    private mutating func readUser(in scope: ConfigurationScope) -> Identity {
        required(.user, in: scope, standIn: Identity.placeholder) { item throws(ValueFault) in
            do throws(IdentityError) {
                return try Identity(item.text, asWord: true)
            } catch {
                throw ValueFault(error.message, hint: error.hint)
            }
        }
    }

    private mutating func readPassword(in scope: ConfigurationScope) -> PasswordSource {
        let file = scope.entries[.passwordFile]?.first
        let variable = scope.entries[.passwordEnvironment]?.first
        switch (file, variable) {
        case (let file?, let variable?):
            let (first, second) =
                file.keyLocation < variable.keyLocation ? (file, variable) : (variable, file)
            diagnostics.append(
                Diagnostic(
                    .error,
                    at: second.keyLocation,
                    "\(scope.title) has both `password-file` and `password-env`",
                    hint: "remove one of them",
                    notes: [.init(at: first.keyLocation, "the other one is here")]
                )
            )
            return .file(path: secretFile(.passwordFile, in: scope, isRequired: false))
        case (_?, nil):
            return .file(path: secretFile(.passwordFile, in: scope, isRequired: true))
        case (nil, _?):
            return .environment(name: readVariable(in: scope))
        case (nil, nil):
            diagnostics.append(
                Diagnostic(
                    .error,
                    at: places.headers[scope.part],
                    "there is no password in \(scope.title)",
                    hint: "add `password-file = FILE` or `password-env = NAME`"
                )
            )
            return .environment(name: "-")
        }
    }

    private mutating func readVariable(in scope: ConfigurationScope) -> String {
        let name = value(.passwordEnvironment, in: scope, default: "-") { item in item.text }
        let slot = ConfigurationPlaces.Slot(part: scope.part, setting: .passwordEnvironment)
        guard let location = places.values[slot]?.first, !surroundings.hasVariable(name) else { return name }
        // A text that does not look like the name of a variable may be the password itself, which must not appear in a message.
        let looksLikeVariable = name.unicodeScalars.allSatisfy { character in
            switch character {
            case "A"..."Z", "0"..."9", "_": true
            default: false
            }
        }
        report(
            ValueFault(
                looksLikeVariable
                    ? "the environment variable `\(name)` is not set"
                    : "the environment variable of this name is not set",
                hint: "set it for this process, or keep the password in a file: `password-file = FILE`"
            ),
            at: location,
            .passwordEnvironment,
            scope,
            concealedFrom: looksLikeVariable ? nil : location.column
        )
        return name
    }

    mutating func readRoute(in scope: ConfigurationScope, _ defaults: InheritedSettings) -> RouteConfiguration
    {
        let route = RouteConfiguration(
            name: scope.name,
            // Anyone who reaches this listener can use the tunnel, so a bare port means this machine only.
            accept: requiredEndpoints(.accept, in: scope, .listening(barePortHost: Self.loopback)),
            peer: required(.peer, in: scope, standIn: "-") { item throws(ValueFault) in
                guard !item.text.lowercased().hasPrefix("user:") else {
                    throw ValueFault(
                        "this version has no routes to connected users",
                        hint: "write the name of a section [peer NAME]"
                    )
                }
                return item.text
            },
            service: value(.service, in: scope, default: scope.name) { item in item.text },
            share: value(.share, in: scope, default: RouteConfiguration.defaultShare) {
                item throws(ValueFault) in
                try ValueDecoding.yesOrNo(item.text)
            },
            stream: readStreamSettings(in: scope, defaults: defaults.stream)
        )
        peersOfRoutes.append(route.peer)
        return route
    }

    private static let loopback = "127.0.0.1"
}
