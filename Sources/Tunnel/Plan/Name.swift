/// The name of one part of the configuration, typed by its kind: a route's name is not a peer's name.
///
/// Threads exchange names, never positions in a list: a reloaded configuration may have another order.
package struct Name<Subject>: Hashable, Sendable, CustomStringConvertible {
    package let text: String

    package init(_ text: String) {
        self.text = text
    }

    package var description: String { text }
}

package typealias RouteName = Name<RouteConfiguration>
package typealias PeerName = Name<PeerConfiguration>
package typealias ServiceName = Name<ServiceConfiguration>

extension RouteConfiguration {
    /// The route's identity within the process.
    package var id: RouteName { RouteName(name) }
    /// The peer that carries the route.
    package var peerID: PeerName { PeerName(peer) }
}

extension PeerConfiguration {
    /// The peer's identity within the process.
    package var id: PeerName { PeerName(name) }
}

extension ServiceConfiguration {
    /// The service's identity within the process.
    package var id: ServiceName { ServiceName(name) }
}
