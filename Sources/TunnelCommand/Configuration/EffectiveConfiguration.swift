import ConfigurationFile
import CryptoPrimitives
import EventIO
package import Tunnel
import Vocabulary

/// A configuration as the text of a `tunnel.conf` in which every default is written out.
///
/// Reading that text again gives an equal configuration, on any machine and from any folder, provided that its paths are
/// absolute, as they are after reading a file. The text contains no secrets: a configuration only names their files and
/// variables.
package struct EffectiveConfiguration: CustomStringConvertible {
    /// The text, with a line end after the last line.
    package private(set) var description = ""

    /// Creates the text of a configuration.
    package init(_ configuration: TunnelConfiguration) {
        writeProcess(configuration)
        if let server = configuration.server { write(server) }
        for service in configuration.services { write(service) }
        for peer in configuration.peers { write(peer) }
        for route in configuration.routes { write(route) }
    }

    // MARK: - Parts

    private mutating func writeProcess(_ configuration: TunnelConfiguration) {
        write(.workers, "\(configuration.workers)")
        write(.busyPoll, configuration.busyPoll ? "yes" : "no")
        write(.maxStreams, "\(configuration.limits.maxStreams)")
        write(.maxLinks, "\(configuration.limits.maxLinks)")
        write(.maxHandshakes, "\(configuration.limits.maxHandshakes)")
        write(.memory, ByteSizeText.text(configuration.limits.memory))
        write(.drainTimeout, DurationText.text(configuration.drainTimeout))
        write(.aeadBackend, configuration.aead.rawValue)
        write(.logLevel, configuration.log.level.rawValue)
        write(.logFormat, configuration.log.format.rawValue)
        switch configuration.log.destination {
        case .standardError: write(.log, "stderr")
        case .file(let path): write(.log, path)
        }
    }

    private mutating func write(_ server: ServerConfiguration) {
        writeHeader(.server, name: nil)
        write(.listen, server.listen)
        write(.passwords, server.passwordFile)
        write(server.link)
    }

    private mutating func write(_ service: ServiceConfiguration) {
        writeHeader(.service, name: service.name)
        write(.connect, service.targets)
        write(.failover, service.failover.rawValue)
        if let allow = service.allow {
            for user in allow { write(.allow, user) }
        } else {
            writeComment(.allow, "every user of the password file")
        }
        write(service.stream)
    }

    private mutating func write(_ peer: PeerConfiguration) {
        writeHeader(.peer, name: peer.name)
        write(.address, peer.addresses)
        write(.failover, peer.failover.rawValue)
        write(.user, peer.user.text)
        switch peer.password {
        case .file(let path): write(.passwordFile, path)
        case .environment(let name): write(.passwordEnvironment, name)
        }
        if let realm = peer.realm {
            write(.realm, realm)
        } else {
            writeComment(.realm, "learned from the server")
        }
        switch peer.links {
        case .automatic: write(.links, "auto")
        case .fixed(let count): write(.links, "\(count)")
        }
        write(.connectTimeout, DurationText.text(peer.connectTimeout))
        write(peer.link)
    }

    private mutating func write(_ route: RouteConfiguration) {
        writeHeader(.route, name: route.name)
        write(.accept, route.accept)
        write(.peer, route.peer)
        write(.service, route.service)
        write(.share, route.share ? "yes" : "no")
        write(route.stream)
    }

    private mutating func write(_ link: LinkSettings) {
        write(.handshakeTimeout, DurationText.text(link.handshakeTimeout))
        write(
            .keepalive,
            DurationText.text(link.keepalive.interval) + "/" + DurationText.text(link.keepalive.dead)
        )
        write(.chunk, ByteSizeText.text(link.chunk))
        write(.maxRecord, ByteSizeText.text(link.maxRecord))
        write(.window, ByteSizeText.text(link.window.initial) + "/" + ByteSizeText.text(link.window.maximum))
        write(.resumeWindow, DurationText.text(link.resumption.window))
        write(
            .resumeBuffer,
            link.resumption.buffer == 0 ? "off" : ByteSizeText.text(link.resumption.buffer)
        )
    }

    private mutating func write(_ stream: StreamSettings) {
        write(.connectTimeout, DurationText.text(stream.connectTimeout))
        write(.idleTimeout, DurationText.text(stream.idleTimeout))
        write(.halfCloseTimeout, DurationText.text(stream.halfCloseTimeout))
    }

    // MARK: - Lines

    private mutating func writeHeader(_ kind: SectionKind, name: String?) {
        description += "\n[\(kind.rawValue)\(name.map { " \($0)" } ?? "")]\n"
    }

    private mutating func write(_ setting: Setting, _ endpoints: [Endpoint]) {
        for endpoint in endpoints { write(setting, endpoint.description) }
    }

    private mutating func write(_ setting: Setting, _ value: String) {
        description += "\(setting.rawValue) = \(ValueText.quotedIfNeeded(value))\n"
    }

    private mutating func writeComment(_ setting: Setting, _ value: String) {
        description += "# \(setting.rawValue): \(value)\n"
    }
}
