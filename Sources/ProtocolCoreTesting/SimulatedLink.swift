package import Basics
import ProtocolCore

/// Two ends, a wire in each direction, and a clock that jumps to whatever happens next.
///
/// Nothing in it is left to chance: the same calls give the same run.
package struct SimulatedLink {
    package let client: SimulatedEnd
    package let server: SimulatedEnd
    package var toServer = SimulatedWire()
    package var toClient = SimulatedWire()
    package private(set) var now: Instant
    /// Whether the wires were cut.
    package private(set) var isCut = false
    /// How many bytes of streams an end puts into its records before it looks for something else to do.
    package var turnLimit = 256 << 10
    /// How many steps were made: what a run costs.
    package private(set) var steps = 0

    /// Takes the ends of a pair that has not said anything yet.
    package init(_ pair: Pair) {
        client = pair.client
        server = pair.server
        now = pair.now
    }

    /// Lets both ends do what they can now, and everything arrive that is due.
    ///
    /// - Returns: whether anything happened.
    @discardableResult
    package mutating func step() -> Bool {
        steps += 1
        var isBusy = false
        for end in [client, server] { end.handleTimeouts(at: now) }
        isBusy = Self.send(client, over: &toServer, turnLimit, at: now) || isBusy
        isBusy = Self.send(server, over: &toClient, turnLimit, at: now) || isBusy
        if let bytes = toServer.take(at: now) {
            server.deliver(bytes, at: now)
            isBusy = true
        }
        if let bytes = toClient.take(at: now) {
            client.deliver(bytes, at: now)
            isBusy = true
        }
        return isBusy
    }

    /// Runs until nothing happens any more before `until`, and moves the clock there.
    package mutating func run(for duration: Duration, steps limit: Int = .max) {
        let until = now.advanced(by: duration)
        let last = limit == .max ? .max : steps + limit
        while steps < last {
            while step(), steps < last {}
            let candidates = [
                toServer.nextArrival, toClient.nextArrival, client.nextTimeout, server.nextTimeout,
            ]
            guard let next = candidates.compactMap({ $0 }).min(), next <= until else { break }
            // What is due now and did not happen has to wait for something else.
            now = max(next, now.advanced(by: .nanoseconds(1)))
        }
        now = max(now, until)
    }

    /// The link is lost: what is under way does not arrive, and both ends notice.
    package mutating func cut() {
        cutUnnoticed()
        client.loseLink(at: now)
        server.loseLink(at: now)
    }

    /// The link is lost, and neither end knows.
    package mutating func cutUnnoticed() {
        isCut = true
        toServer.cut()
        toClient.cut()
    }

    /// The client dials another link, like the one before, and asks to go on with the session there.
    ///
    /// The server may still believe in the old link.
    package mutating func redial() {
        isCut = false
        toServer = toServer.another()
        toClient = toClient.another()
        client.loseLink(at: now)
        client.ask()
        server.listen()
    }

    /// Whether both ends are on one link, and nothing is between them.
    package var isUp: Bool { !isCut && client.isTalking && server.isTalking }

    private static func send(
        _ end: SimulatedEnd,
        over wire: inout SimulatedWire,
        _ limit: Int,
        at now: Instant
    ) -> Bool {
        var moved = 0
        func flush() {
            end.write {
                let taken = wire.put($0, at: now)
                moved += taken
                return taken
            }
        }
        if end.unwrittenCount > 0 { flush() }
        // Like a driver, an end makes no more records while the link does not take those that there are.
        if end.unwrittenCount == 0 {
            end.turn(at: now, limit: limit)
            flush()
        }
        return moved > 0
    }

    /// All that was found wrong.
    package var damage: [String] { client.damage + server.damage }
}
