package import EventIO

/// A place where visitors are accepted, and the service of a peer that they are carried to.
package struct RouteConfiguration: Hashable, Sendable {
    /// What logs and metrics call it: 1 to 64 bytes of `a-z A-Z 0-9 . _ -`, unique among routes.
    package var name: String
    /// Where visitors are accepted; at least one.
    package var accept: [Endpoint]
    /// The name of the peer that has the service.
    package var peer: String
    /// The name of the service at that peer.
    package var service: String
    /// Whether streams share links (true), or each has a link of its own.
    package var share: Bool
    /// How long its streams may wait.
    package var stream: StreamSettings

    /// A route; what is left out has its default, and the service is called like the route.
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
    /// Not shared: a lost packet delays one stream alone, for a link, a handshake and two file descriptors each.
    package static let defaultShare = true
}
