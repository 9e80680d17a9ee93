package import EventIO
package import Logging

/// A tunnel that has everything it needs from outside: addresses bound, log and secrets open, the AES-GCM library loaded.
///
/// What comes after it needs less of the system. ``confine()`` is the moment at which a process gives rights away.
package struct PreparedTunnel: ~Copyable {
    private let service: TunnelService

    /// Prepares a tunnel.
    ///
    /// - Parameters:
    ///   - configuration: what it does.
    ///   - secrets: the secrets that the configuration names.
    ///   - logger: where it logs.
    ///   - hangUp: what HUP does.
    ///   - observer: called with what matters to the program as a whole, on the thread that calls ``ConfinedTunnel/run()``.
    /// - Throws: what the system refuses, such as an address that is in use.
    package init(
        _ configuration: TunnelConfiguration,
        secrets: TunnelSecrets,
        logger: Logger,
        hangUp: TunnelService.HangUp = .ends,
        observer: @escaping (TunnelService.Event) -> Void = { _ in }
    ) throws(SystemFailure) {
        service = try TunnelService(
            configuration,
            secrets: secrets,
            logger: logger,
            hangUp: hangUp,
            observer: observer
        )
    }

    /// Gives away what is not needed any more.
    ///
    /// In this version, nothing.
    package consuming func confine() -> ConfinedTunnel {
        ConfinedTunnel(service: service)
    }
}

/// A tunnel that may run, and needs no right that only a start needs.
package struct ConfinedTunnel: ~Copyable {
    /// Brings visitors, drains and stops while the tunnel runs.
    package let service: TunnelService

    fileprivate init(service: TunnelService) {
        self.service = service
    }

    /// Runs until a signal, ``TunnelService/drain()`` or ``TunnelService/stop()`` ends it.
    ///
    /// - Returns: how it ended.
    package consuming func run() -> TunnelOutcome {
        service.run()
    }
}
