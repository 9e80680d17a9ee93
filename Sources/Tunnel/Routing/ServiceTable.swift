import EventIO
import SecureLink
import Vocabulary

/// The services of this end, by name, with their permitted users and their targets.
///
/// Confined to its loop's thread.
final class ServiceTable {
    /// A service that may be opened.
    struct Service {
        let settings: StreamSettings
        let targets: TargetAddresses
    }

    private struct Entry {
        let allow: [String]?
        let service: Service
    }

    private let entries: [ServiceName: Entry]

    init(_ services: [ServiceConfiguration], loop: EventLoop) {
        entries = Dictionary(
            services.map { service in
                let found = Service(settings: service.stream, targets: TargetAddresses(service, loop: loop))
                return (service.id, Entry(allow: service.allow, service: found))
            },
            uniquingKeysWith: { _, last in last }
        )
    }

    /// Looks up a service for an authenticated user.
    ///
    /// - Throws: `noService` or `forbidden`.
    func service(_ name: ServiceName, for user: String) throws(StreamFailure) -> Service {
        guard let entry = entries[name] else { throw .noService }
        if let allowed = entry.allow, !allowed.contains(user) { throw .forbidden }
        return entry.service
    }
}
