import SecureLink

/// The state of one peer that the workers share.
final class PeerShare: Sendable {
    let configuration: PeerConfiguration
    /// The credentials for the peer.
    let store: CredentialStore
    let status = PeerStatus()
    let needs: LinkNeeds
    /// Whether a route to the peer shares sessions.
    let usesShared: Bool
    /// Whether a route to the peer wants a session for each stream.
    let usesExclusive: Bool

    init(_ peer: PeerConfiguration, _ store: CredentialStore, of configuration: TunnelConfiguration) {
        self.configuration = peer
        self.store = store
        needs = LinkNeeds(workers: configuration.workers)
        usesShared = configuration.routes.contains { $0.peerID == peer.id && $0.share }
        usesExclusive = configuration.routes.contains { $0.peerID == peer.id && !$0.share }
    }
}
