package import EventIO
package import Logging

/// A tunnel that has all its external resources: addresses bound, log and secrets open, the AES-GCM library loaded.
///
/// Running needs fewer rights than preparing. ``confine()`` is the moment at which a process drops the others.
package struct PreparedTunnel: ~Copyable {
    private let service: TunnelService

    /// Prepares a tunnel.
    ///
    /// - Parameters:
    ///   - configuration: the configuration of the tunnel.
    ///   - secrets: the secrets that the configuration names.
    ///   - logger: receives the log lines.
    ///   - hangUp: the effect of HUP.
    ///   - observer: called with the events of the whole program, on the thread that calls ``ConfinedTunnel/run()``.
    /// - Throws: the system's error, such as an address that is in use.
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

    /// Drops the rights that are not needed any more.
    ///
    /// In this version, it drops none.
    package consuming func confine() -> ConfinedTunnel {
        ConfinedTunnel(service: service)
    }
}

/// A tunnel that is ready to run, without the rights that only the start needs.
package struct ConfinedTunnel: ~Copyable {
    /// The service, which carries visitors, drains and stops while the tunnel runs.
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
