import EventIO

/// The listeners of one purpose on one worker.
///
/// Confined to its loop's thread.
final class Entrance {
    private let name: (kind: String, text: String)
    private var bound: [BoundSocket]
    private var listeners: [Listener] = []
    private unowned let loop: EventLoop
    private let log: TunnelLog
    private let accepted: (DetachedSocket) -> Void

    /// A closed entrance: the system refuses connections until ``open()``.
    ///
    /// - Parameters:
    ///   - assignment: the purpose and its sockets.
    ///   - loop: the worker's loop.
    ///   - log: receives the lines about listening, and about failures to accept.
    ///   - accepted: called with each accepted connection.
    init(
        _ assignment: ListenerAssignment,
        loop: EventLoop,
        log: TunnelLog,
        accepted: @escaping (DetachedSocket) -> Void
    ) {
        name =
            switch assignment.purpose {
            case .links: ("server", "links")
            case .route(let route): ("route", route.text)
            }
        bound = assignment.sockets
        self.loop = loop
        self.log = log
        self.accepted = accepted
    }

    /// Starts to accept connections.
    func open() {
        let sockets = bound
        bound = []
        for socket in sockets {
            do throws(SystemFailure) {
                let listener = try Listener(socket, loop: loop, handler: self)
                listeners.append(listener)
                log.listening(name.kind, name.text, "\(listener.address)")
            } catch {
                log.accepting(pausedBy: error.description, "\(socket.address)")
            }
        }
    }

    /// Closes the listeners.
    func close() {
        bound = []
        for listener in listeners { listener.close() }
        listeners = []
    }
}

extension Entrance: ListenerHandler {
    func listener(_ listener: Listener, accepted connection: DetachedSocket) {
        accepted(connection)
    }

    func listener(_ listener: Listener, pausedBy failure: SystemFailure) {
        log.accepting(pausedBy: failure.description, "\(listener.address)")
    }

    func listenerResumed(_ listener: Listener) {
        log.acceptingResumed("\(listener.address)")
    }
}
