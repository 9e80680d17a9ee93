import ConfigurationFile
import Tunnel

/// Warnings about configurations that are valid, but unlikely to be what the operator wants.
extension ConfigurationDecoder {
    mutating func warn(about configuration: TunnelConfiguration, _ scopes: ConfigurationScopes) {
        if configuration.server != nil, configuration.services.isEmpty {
            warn(
                at: places.headers[.server],
                "[server] offers nothing: there is no [service NAME]",
                hint: "add a section `[service NAME]`"
            )
        }
        let used = Set(configuration.routes.map(\.peer))
        for (position, peer) in configuration.peers.enumerated() where !used.contains(peer.name) {
            warn(
                at: places.location(of: .peer(position), nil, at: nil),
                "no route uses the peer `\(peer.name)`",
                hint: "add a section `[route NAME]` with `peer = \(peer.name)`"
            )
        }
        warnAboutUnusedDefaults(scopes)
    }

    private mutating func warnAboutUnusedDefaults(_ scopes: ConfigurationScopes) {
        let present = [
            scopes.server == nil ? nil : SectionKind.server, scopes.services.isEmpty ? nil : .service,
            scopes.peers.isEmpty ? nil : .peer, scopes.routes.isEmpty ? nil : .route,
        ].compactMap(\.self)
        for (setting, entries) in scopes.globals.entries {
            guard case .inherited(let kinds) = ConfigurationKey(setting).scope, let entry = entries.first
            else { continue }
            if kinds.allSatisfy({ !present.contains($0) }) {
                let headers = kinds.map(\.header).joined(separator: " or ")
                warn(
                    at: entry.keyLocation,
                    "`\(setting.rawValue)` has no effect: there is no \(headers)",
                    hint: nil
                )
            }
        }
    }

    private mutating func warn(at location: SourceLocation?, _ message: String, hint: String?) {
        diagnostics.append(Diagnostic(.warning, at: location, message, hint: hint))
    }
}
