import Basics
import EventIO
import Vocabulary

/// Collects the faults in the values of a `TunnelConfiguration`.
///
/// All rules are here, for files, command lines and code alike. Each method appends to `faults` and continues.
struct ConfigurationCheck {
    private(set) var faults: [ConfigurationFault] = []

    mutating func check(_ configuration: TunnelConfiguration) {
        checkProcess(configuration)
        if let server = configuration.server { check(server) }
        for (position, service) in configuration.services.enumerated() {
            check(service, .service(position))
        }
        for (position, peer) in configuration.peers.enumerated() {
            check(peer, .peer(position))
        }
        for (position, route) in configuration.routes.enumerated() {
            check(route, .route(position))
        }
        checkNames(configuration)
        checkPeersOfRoutes(configuration)
        checkListeners(configuration)
        checkPurpose(configuration)
    }

    // MARK: - Parts

    private mutating func checkProcess(_ configuration: TunnelConfiguration) {
        let limits = configuration.limits
        check(configuration.workers, in: TunnelConfiguration.workersRange, .process, .workers)
        check(limits.maxStreams, in: ProcessLimits.maxStreamsRange, .process, .maxStreams)
        check(limits.maxLinks, in: ProcessLimits.maxLinksRange, .process, .maxLinks)
        check(limits.maxHandshakes, in: ProcessLimits.maxHandshakesRange, .process, .maxHandshakes)
        check(bytes: limits.memory, in: ProcessLimits.memoryRange, .process, .memory)
        check(configuration.drainTimeout, in: TunnelConfiguration.drainTimeoutRange, .process, .drainTimeout)
        if case .file(let path) = configuration.log.destination {
            check(path: path, .process, .log)
        }
    }

    private mutating func check(_ server: ServerConfiguration) {
        check(server.listen, .server, .listen, "the server has no address to listen on")
        check(path: server.passwordFile, .server, .passwords)
        check(server.link, .server)
    }

    private mutating func check(_ service: ServiceConfiguration, _ part: Part) {
        checkDialled(service.targets, part, .connect, "the service has no target")
        if let allow = service.allow {
            if allow.isEmpty {
                report(
                    part,
                    .allow,
                    "the list is empty: no user could open the service",
                    hint: "remove `allow` to admit every user of the password file"
                )
            }
            for (position, user) in allow.enumerated() {
                guard let error = Identity.error(inUser: user, asWord: true) else { continue }
                report(
                    part,
                    .allow,
                    at: position,
                    error.message,
                    hint: user.contains("/")
                        ? "write the user without a password number" : "separate users with commas"
                )
            }
        }
        check(service.stream, part)
    }

    private mutating func check(_ peer: PeerConfiguration, _ part: Part) {
        checkDialled(peer.addresses, part, .address, "the peer has no address")
        switch peer.password {
        case .file(let path):
            check(path: path, part, .passwordFile)
        case .environment(let name):
            if name.isEmpty || name.unicodeScalars.contains(where: { $0 == "=" || $0.isMisleading }) {
                report(part, .passwordEnvironment, "this is not a valid name of an environment variable")
            }
        }
        if let realm = peer.realm {
            if !PeerConfiguration.realmLengthRange.contains(realm.utf8.count) {
                report(
                    part,
                    .realm,
                    "a realm has 1 to \(PeerConfiguration.realmLengthRange.upperBound) bytes"
                )
            } else if realm.unicodeScalars.contains(where: \.isMisleading) {
                report(part, .realm, "the realm contains an invisible character")
            }
        }
        if case .fixed(let count) = peer.links {
            check(count, in: LinkCount.fixedRange, part, .links)
        }
        check(peer.link, part)
        check(peer.connectTimeout, in: StreamSettings.connectTimeoutRange, part, .connectTimeout)
    }

    private mutating func check(_ route: RouteConfiguration, _ part: Part) {
        // A file must say where a route accepts; a program may supply the route's visitors itself.
        check(route.accept, part, .accept, nil)
        if !TunnelConfiguration.isName(route.peer) {
            report(part, .peer, Self.nameRule)
        }
        if !TunnelConfiguration.isName(route.service) {
            report(part, .service, Self.nameRule)
        }
        check(route.stream, part)
    }

    private mutating func check(_ link: LinkSettings, _ part: Part) {
        check(link.handshakeTimeout, in: LinkSettings.handshakeTimeoutRange, part, .handshakeTimeout)
        let keepalive = link.keepalive
        check(keepalive.interval, in: LinkSettings.Keepalive.intervalRange, part, .keepalive)
        check(keepalive.dead, in: LinkSettings.Keepalive.deadRange, part, .keepalive)
        if keepalive.dead <= keepalive.interval {
            report(
                part,
                .keepalive,
                "the link would be closed before the peer could answer",
                hint: "the second time must be longer than the first"
            )
        }
        check(bytes: link.chunk, in: LinkSettings.chunkRange, part, .chunk)
        check(bytes: link.maxRecord, in: LinkSettings.maxRecordRange, part, .maxRecord)
        if link.chunk > link.maxRecord, LinkSettings.chunkRange.contains(link.chunk) {
            report(
                part,
                .maxRecord,
                "the largest record is smaller than `chunk`",
                hint: "also set `chunk` to this value or less"
            )
        }
        check(bytes: link.window.initial, in: LinkSettings.Window.range, part, .window)
        check(bytes: link.window.maximum, in: LinkSettings.Window.range, part, .window)
        if link.window.initial > link.window.maximum {
            report(
                part,
                .window,
                "the initial window is larger than the maximum",
                hint: "write the initial size and the maximum, as in `window = 32MiB/64MiB`"
            )
        }
        check(link.resumption.window, in: LinkSettings.Resumption.windowRange, part, .resumeWindow)
        if link.resumption.buffer != 0 {
            check(bytes: link.resumption.buffer, in: LinkSettings.Resumption.bufferRange, part, .resumeBuffer)
        }
    }

    private mutating func check(_ stream: StreamSettings, _ part: Part) {
        check(stream.connectTimeout, in: StreamSettings.connectTimeoutRange, part, .connectTimeout)
        if let idle = stream.idleTimeout {
            check(idle, in: StreamSettings.idleTimeoutRange, part, .idleTimeout)
        }
        if let halfClose = stream.halfCloseTimeout {
            check(halfClose, in: StreamSettings.halfCloseTimeoutRange, part, .halfCloseTimeout)
        }
    }

    // MARK: - Cross-checks

    private mutating func checkPeersOfRoutes(_ configuration: TunnelConfiguration) {
        let names = Set(configuration.peers.map(\.name))
        for (position, route) in configuration.routes.enumerated()
        where TunnelConfiguration.isName(route.peer) && !names.contains(route.peer) {
            report(
                .route(position),
                .peer,
                "there is no peer `\(route.peer)`",
                hint: Self.peersHint(configuration.peers.map(\.name))
            )
        }
    }

    private static func peersHint(_ names: [String]) -> String {
        guard !names.isEmpty else { return "add a section `[peer NAME]`" }
        let shown = names.prefix(8).map { "`\($0)`" }.joined(separator: ", ")
        return (names.count == 1 ? "the only peer is " : "the peers are ") + shown
            + (names.count > 8 ? ", …" : "")
    }

    private mutating func checkPurpose(_ configuration: TunnelConfiguration) {
        if configuration.server == nil, configuration.services.isEmpty, configuration.routes.isEmpty {
            report(
                .process,
                nil,
                "there is nothing to do: neither a server nor a route",
                hint: "add `[server]` and `[service NAME]`, or `[peer NAME]` and `[route NAME]`"
            )
        }
        if configuration.server == nil, !configuration.services.isEmpty {
            report(
                .service(0),
                nil,
                "a service can only be reached through a server",
                hint: "add a section `[server]` with `listen` and `passwords`"
            )
        }
    }

    // MARK: - Reporting

    typealias Part = ConfigurationFault.Part

    mutating func report(
        _ part: Part,
        _ setting: Setting?,
        at position: Int? = nil,
        _ problem: ConfigurationFault.Problem,
        hint: String? = nil,
        other: ConfigurationFault.Other? = nil
    ) {
        faults.append(ConfigurationFault(part, setting, at: position, problem, hint: hint, other: other))
    }

    mutating func report(
        _ part: Part,
        _ setting: Setting?,
        at position: Int? = nil,
        _ message: String,
        hint: String? = nil,
        other: ConfigurationFault.Other? = nil
    ) {
        report(part, setting, at: position, .rule(message), hint: hint, other: other)
    }
}
