import EventIO

/// The rules that names and listening addresses are unique.
extension ConfigurationCheck {
    mutating func checkNames(_ configuration: TunnelConfiguration) {
        checkNames(configuration.services.map(\.name), "services") { .service($0) }
        checkNames(configuration.peers.map(\.name), "peers") { .peer($0) }
        checkNames(configuration.routes.map(\.name), "routes") { .route($0) }
    }

    private mutating func checkNames(_ names: [String], _ kind: String, _ part: (Int) -> Part) {
        var firstPositions: [String: Int] = [:]
        for (position, name) in names.enumerated() {
            if !TunnelConfiguration.isName(name) {
                report(part(position), nil, Self.nameRule)
            }
            if let first = firstPositions[name] {
                report(
                    part(position),
                    nil,
                    "two \(kind) are called `\(name)`",
                    hint: "give one of them another name",
                    other: .init(part: part(first), setting: nil, position: nil, message: "the first is here")
                )
            } else {
                firstPositions[name] = position
            }
        }
    }

    mutating func checkListeners(_ configuration: TunnelConfiguration) {
        var listeners = ListenerTable()
        for (position, endpoint) in (configuration.server?.listen ?? []).enumerated() {
            checkListener(endpoint, .server, .listen, position, &listeners)
        }
        for (routePosition, route) in configuration.routes.enumerated() {
            for (position, endpoint) in route.accept.enumerated() {
                checkListener(endpoint, .route(routePosition), .accept, position, &listeners)
            }
        }
    }

    private mutating func checkListener(
        _ endpoint: Endpoint,
        _ part: Part,
        _ setting: Setting,
        _ position: Int,
        _ listeners: inout ListenerTable
    ) {
        let place = ListenerTable.Place(endpoint: endpoint, part: part, setting: setting, position: position)
        guard let first = listeners.insert(place) else { return }
        report(
            part,
            setting,
            at: position,
            first.endpoint == endpoint
                ? "`\(endpoint)` is listened on twice"
                : "`\(endpoint)` cannot be listened on together with `\(first.endpoint)`",
            hint: "each listener needs an address or a port of its own",
            other: .init(
                part: first.part,
                setting: first.setting,
                position: first.position,
                message: "the other one is here"
            )
        )
    }
}

/// The listeners checked so far, indexed so that a new one is compared with a few of them and not with all.
private struct ListenerTable {
    struct Place {
        let endpoint: Endpoint
        let part: ConfigurationFault.Part
        let setting: Setting
        let position: Int
    }

    private enum Family: CaseIterable {
        case name
        case version4
        case version6
    }

    private struct PortOfFamily: Hashable {
        let family: Family
        let port: UInt16
    }

    private var exact: [Endpoint: Place] = [:]
    /// The first listener of each port and address family: a listener on all addresses of the port collides with any of them.
    private var firstOfFamily: [PortOfFamily: Place] = [:]

    /// Adds a listener, or returns an earlier one that it collides with.
    mutating func insert(_ place: Place) -> Place? {
        if let first = collision(with: place.endpoint) { return first }
        exact[place.endpoint] = place
        if case .tcp(let host, let port) = place.endpoint {
            let key = PortOfFamily(family: Self.family(of: host), port: port)
            firstOfFamily[key] = firstOfFamily[key] ?? place
        }
        return nil
    }

    private func collision(with endpoint: Endpoint) -> Place? {
        guard case .tcp(_, let port) = endpoint else { return exact[endpoint] }
        let candidates =
            [exact[endpoint]]
            + ["", "0.0.0.0", "::"].map { exact[.tcp(host: $0, port: port)] }
            + Family.allCases.map { firstOfFamily[PortOfFamily(family: $0, port: port)] }
        return candidates.lazy.compactMap(\.self).first { $0.endpoint.overlaps(endpoint) }
    }

    private static func family(of host: String) -> Family {
        if host.contains(":") { return .version6 }
        return host.allSatisfy { $0.isNumber || $0 == "." } && !host.isEmpty ? .version4 : .name
    }
}
