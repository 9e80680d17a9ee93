package import Basics
import ProtocolCore

/// Two ends, a wire in each direction, and a clock that jumps to the next event.
///
/// It is deterministic: the same calls give the same run.
package struct SimulatedLink {
    package let client: SimulatedEnd
    package let server: SimulatedEnd
    package var toServer = SimulatedWire()
    package var toClient = SimulatedWire()
    package private(set) var now: Instant
    /// Whether the wires were cut.
    package private(set) var isCut = false
    /// The maximum number of stream bytes that an end puts into records in one turn.
    package var turnLimit = 256 << 10
    /// The number of steps so far, which is the cost of a run.
    package private(set) var steps = 0

    /// Connects the ends of a pair that has not sent anything yet.
    package init(_ pair: Pair) {
        client = pair.client
        server = pair.server
        now = pair.now
    }

    /// Lets both ends do their pending work, and delivers the bytes that are due.
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

    /// Runs all events of the next `duration`, and sets the clock to its end.
    package mutating func run(for duration: Duration, steps limit: Int = .max) {
        let until = now.advanced(by: duration)
        let last = limit == .max ? .max : steps + limit
        while steps < last {
            while step(), steps < last {}
            let candidates = [
                toServer.nextArrival, toClient.nextArrival, client.nextTimeout, server.nextTimeout,
            ]
            guard let next = candidates.compactMap({ $0 }).min(), next <= until else { break }
            // An event that is due now but did not happen waits for something else, so advance the clock.
            now = max(next, now.advanced(by: .nanoseconds(1)))
        }
        now = max(now, until)
    }

    /// Loses the link: bytes in flight do not arrive, and both ends notice.
    package mutating func cut() {
        cutUnnoticed()
        client.loseLink(at: now)
        server.loseLink(at: now)
    }

    /// Loses the link without either end noticing.
    package mutating func cutUnnoticed() {
        isCut = true
        toServer.cut()
        toClient.cut()
    }

    /// Dials another link with the same properties, on which the client sends a resumption request.
    ///
    /// The server may not have noticed that the old link is lost.
    package mutating func redial() {
        isCut = false
        toServer = toServer.another()
        toClient = toClient.another()
        client.loseLink(at: now)
        client.ask()
        server.listen()
    }

    /// Whether both ends exchange records on the same link.
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
        // Like a driver, an end makes no more records until the link has accepted all existing ones.
        if end.unwrittenCount == 0 {
            end.turn(at: now, limit: limit)
            flush()
        }
        return moved > 0
    }

    /// All faults that the two ends found.
    package var damage: [String] { client.damage + server.damage }
}
