package import EventIO

/// The addresses where visitors are accepted, and the service of a peer that their streams go to.
package struct RouteConfiguration: Hashable, Sendable {
    /// The name in logs: 1 to 64 bytes of `a-z A-Z 0-9 . _ -`, unique among routes.
    package var name: String
    /// The addresses where visitors are accepted; empty if the program supplies the visitors itself.
    package var accept: [Endpoint]
    /// The name of the peer that has the service.
    package var peer: String
    /// The name of the service at that peer.
    package var service: String
    /// Whether streams share links (true), or each has a link of its own.
    package var share: Bool
    /// The time limits of its streams.
    package var stream: StreamSettings

    /// A route; omitted values have their defaults, and the default service is the one with the route's name.
    package init(
        name: String,
        accept: [Endpoint],
        peer: String,
        service: String? = nil,
        share: Bool = Self.defaultShare,
        stream: StreamSettings = StreamSettings()
    ) {
        self.name = name
        self.accept = accept
        self.peer = peer
        self.service = service ?? name
        self.share = share
        self.stream = stream
    }

    /// A stream on a shared link opens without a round trip.
    ///
    /// Not shared: a lost packet delays only one stream, but each stream costs a link, a handshake and two file descriptors.
    package static let defaultShare = true
}
