package import EventIO
package import Vocabulary

/// A peer that this end dials: where it is, and as whom to log in there.
package struct PeerConfiguration: Hashable, Sendable {
    /// What routes call it: 1 to 64 bytes of `a-z A-Z 0-9 . _ -`, unique among peers.
    package var name: String
    /// Where to dial; at least one.
    package var addresses: [Endpoint]
    /// In which order the addresses are tried.
    package var failover: Failover
    /// As whom to log in.
    package var user: Identity
    /// Where the password is.
    package var password: PasswordSource
    /// The realm the peer must have, 1 to 255 bytes; nil learns it from the peer.
    package var realm: String?
    /// How many links are kept for each worker.
    package var links: LinkCount
    /// How the links are treated.
    package var link: LinkSettings
    /// How long one address is tried before the next.
    package var connectTimeout: Duration

    /// A peer; what is left out has its default.
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

    /// What the protocol can carry, in bytes.
    package static let realmLengthRange = 1...255
}

/// Where a password is kept; never the password itself.
package enum PasswordSource: Hashable, Sendable {
    /// In the file at this path, which only its owner may read.
    case file(path: String)
    /// In the environment variable of this name.
    case environment(name: String)
}

/// How many links a worker keeps to a peer.
package enum LinkCount: Hashable, Sendable {
    /// One, more while all are busy, fewer when they are idle.
    case automatic
    /// Always this many, within `fixedRange`.
    case fixed(Int)

    /// One is the least; 64 links would share any line there is, and each costs two key schedules and a socket.
    package static let fixedRange = 1...64
}
