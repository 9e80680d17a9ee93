package import EventIO
package import Vocabulary

/// A peer that this end dials: its addresses, and the user to log in as.
package struct PeerConfiguration: Hashable, Sendable {
    /// The name that routes use: 1 to 64 bytes of `a-z A-Z 0-9 . _ -`, unique among peers.
    package var name: String
    /// The addresses to dial; at least one.
    package var addresses: [Endpoint]
    /// The order in which the addresses are tried.
    package var failover: Failover
    /// The user to log in as.
    package var user: Identity
    /// The source of the password.
    package var password: PasswordSource
    /// The realm that the peer must have, 1 to 255 bytes; if nil, this end learns it from the peer.
    package var realm: String?
    /// The number of links that each worker keeps.
    package var links: LinkCount
    /// The settings of the links.
    package var link: LinkSettings
    /// The time limit of one address, before the next one is tried.
    package var connectTimeout: Duration

    /// A peer; omitted values have their defaults.
    package init(
        name: String,
        addresses: [Endpoint],
        failover: Failover = .default,
        user: Identity,
        password: PasswordSource,
        realm: String? = nil,
        links: LinkCount = .automatic,
        link: LinkSettings = LinkSettings(),
        connectTimeout: Duration = StreamSettings.defaultConnectTimeout
    ) {
        self.name = name
        self.addresses = addresses
        self.failover = failover
        self.user = user
        self.password = password
        self.realm = realm
        self.links = links
        self.link = link
        self.connectTimeout = connectTimeout
    }

    /// The lengths that the protocol can carry, in bytes.
    package static let realmLengthRange = 1...255
}

/// The source of a password; never the password itself.
package enum PasswordSource: Hashable, Sendable {
    /// In the file at this path, which only its owner may read.
    case file(path: String)
    /// In the environment variable of this name.
    case environment(name: String)
}

/// The number of links that a worker keeps to a peer.
package enum LinkCount: Hashable, Sendable {
    /// One; more while all are busy, and fewer again when they are idle.
    case automatic
    /// Always this many, within `fixedRange`.
    case fixed(Int)

    /// A worker needs one link; 64 are enough for any line, and each one costs two key schedules and a socket.
    package static let fixedRange = 1...64
}
