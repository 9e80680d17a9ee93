import EventIO
import SecureLink
import Vocabulary

/// Serves streams that users open: looks up the service, checks the process's limits, and relays to the target.
///
/// Confined to its loop's thread.
final class ServiceStreams: StreamServer {
    private let services: ServiceTable
    private let relays: RelaySet
    private let admission: Admission
    private let log: TunnelLog

    init(_ services: ServiceTable, relays: RelaySet, admission: Admission, log: TunnelLog) {
        self.services = services
        self.relays = relays
        self.admission = admission
        self.log = log
    }

    func serve(
        _ stream: LinkStream,
        for request: StreamRequest,
        on session: PeerSession
    ) -> (any StreamEndpoint)? {
        let facts = StreamFacts(
            id: request.trace,
            route: nil,
            service: request.service,
            peer: nil,
            user: session.user,
            source: request.source,
            target: nil
        )
        let refusals = relays.context.refusals
        let service: ServiceTable.Service
        do throws(StreamFailure) {
            service = try services.service(ServiceName(request.service), for: session.userName)
        } catch {
            // The peer chose the name: the log line shows it, but refusals are not counted by it.
            let user = error == .forbidden ? " for \(session.user)" : ""
            refusals.refused(
                "service \(request.service)\(user)",
                error.name,
                countedAs: "stream of \(session.user)"
            )
            return refuse(stream, error, facts)
        }
        if let limit = admission.streamLimit {
            refusals.limitReached(limit.rawValue)
            return refuse(stream, .limit, facts)
        }
        let relay = Relay(
            stream: stream,
            facts: facts,
            settings: service.settings,
            in: relays.context,
            owner: relays
        )
        relays.add(relay)
        let context = relays.context
        service.targets.find { [weak relay] addresses in
            guard let relay, !relay.isOver else { return }
            relay.connect(to: addresses, in: context)
        }
        return relay.isOver ? nil : relay
    }

    private func refuse(
        _ stream: LinkStream,
        _ failure: StreamFailure,
        _ facts: StreamFacts
    ) -> (any StreamEndpoint)? {
        stream.reportTarget(failure)
        stream.reset(failure)
        stream.release()
        log.streamRefused(facts, failure, by: .acceptor)
        return nil
    }
}
