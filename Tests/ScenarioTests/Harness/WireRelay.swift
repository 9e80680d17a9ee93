import Glibc
import Synchronization

/// Stands between the two ends of a tunnel: counts what passes, and can alter it, hold it up, slow it down and cut it.
final class WireRelay: Sendable {
    /// One connection that passed through.
    struct Passage {
        let began: ContinuousClock.Instant
        var up = 0
        var down = 0
        /// Whether both directions have come to their ends.
        var openDirections = 2
        /// How it was cut, if it was.
        var cut: Cut?
    }

    enum Direction: Sendable {
        /// From the client to the server.
        case up
        case down
    }

    /// How a connection is lost.
    enum Cut: Sendable, CaseIterable {
        /// Both ends get an RST.
        case reset
        /// Both ends get a FIN.
        case end
        /// Nobody is told: what is sent disappears.
        case vanish
    }

    /// What becomes of what passes.
    struct Mood: Sendable {
        /// Whether nothing passes for the time being.
        var isHole = false
        /// How long each portion waits, in microseconds.
        var delay: UInt32 = 0
        /// How many bytes pass in a second, in each direction.
        var rate = Int.max
        /// After how many bytes each connection is cut, and how, in turn.
        var cutAfter = Int.max
        var cuts: [Cut] = [.reset, .end]
        /// After how many bytes one bit is flipped.
        var damageAfter = Int.max
    }

    fileprivate struct State {
        var passages: [Passage] = []
        var sockets: [[PlainSocket]] = []
        var mood = Mood()
        var damages: Direction?
        /// Bytes since the last cut, and since the last damage.
        var sinceCut = 0
        var sinceDamage = 0
        var cutCount = 0
        var damageCount = 0
    }

    private let listener: PlainListener
    private let state = Mutex(State())

    /// Relays to `address`, from a free port.
    init(to address: PlainAddress) throws {
        listener = try PlainListener(.ipv4(port: 0))
        listener.serve { [weak self] near in
            guard let self else { return }
            let far = try PlainSocket(to: address)
            let number = begin(near, far)
            let other = Background { self.pump(from: far, to: near, number, .down) }
            pump(from: near, to: far, number, .up)
            try other.wait(within: .seconds(600))
            end(number, near, far)
        }
    }

    var address: PlainAddress { listener.address }

    /// The connections so far, oldest first.
    var passages: [Passage] { state.withLock { $0.passages } }

    /// How many connections were cut, and how often a bit was flipped.
    var cutCount: Int { state.withLock { $0.cutCount } }
    var damageCount: Int { state.withLock { $0.damageCount } }

    /// Changes what becomes of what passes from now on.
    func change(_ body: (inout Mood) -> Void) {
        state.withLock { body(&$0.mood) }
    }

    /// One bit of the next bytes in this direction is flipped.
    func damage(_ direction: Direction) {
        state.withLock { $0.damages = direction }
    }

    /// Cuts every connection that there is now.
    func cutAll(_ how: Cut) {
        state.withLock { state in
            for number in state.passages.indices where state.passages[number].openDirections == 2 {
                state.cut(number, how)
            }
        }
    }

    private func begin(_ near: PlainSocket, _ far: PlainSocket) -> Int {
        // What it holds up is up to the scenario, not to the system.
        for socket in [near, far] { socket.sendAtOnce() }
        return state.withLock { state in
            state.passages.append(Passage(began: ContinuousClock().now))
            state.sockets.append([near, far])
            return state.passages.count - 1
        }
    }

    private func end(_ number: Int, _ near: PlainSocket, _ far: PlainSocket) {
        let cut = state.withLock { state in
            state.sockets[number] = []
            return state.passages[number].cut
        }
        for socket in [near, far] { if cut == .reset { socket.reset() } else { socket.close() } }
    }

    fileprivate enum Fate {
        case pass(UInt32)
        case damage
        case swallow
        case stop
    }

    private func pump(
        from source: PlainSocket,
        to sink: PlainSocket,
        _ number: Int,
        _ direction: Direction
    ) {
        pumping: while var bytes = try? source.readSome(), !bytes.isEmpty {
            waitForTheHole(number)
            switch state.withLock({ $0.fate(of: bytes.count, number, direction) }) {
            case .pass(let pause): if pause > 0 { usleep(pause) }
            case .damage: bytes[bytes.count - 1] ^= 0x10
            case .swallow: continue
            case .stop: break pumping
            }
            guard (try? sink.write(bytes)) != nil else { break }
        }
        state.withLock { state in
            state.passages[number].openDirections -= 1
            guard state.passages[number].cut == nil else { return }
            sink.finish()
        }
    }

    private func waitForTheHole(_ number: Int) {
        while state.withLock({ $0.mood.isHole && $0.passages[number].cut == nil }) { usleep(2000) }
    }
}

extension WireRelay.State {
    fileprivate mutating func fate(
        of count: Int,
        _ number: Int,
        _ direction: WireRelay.Direction
    ) -> WireRelay.Fate {
        switch passages[number].cut {
        case .vanish: return .swallow
        case .reset, .end: return .stop
        case nil: break
        }
        switch direction {
        case .up: passages[number].up += count
        case .down: passages[number].down += count
        }
        sinceCut += count
        if sinceCut >= mood.cutAfter, !mood.cuts.isEmpty {
            sinceCut = 0
            cut(number, mood.cuts[cutCount % mood.cuts.count])
            return passages[number].cut == .vanish ? .swallow : .stop
        }
        sinceDamage += count
        if damages == direction || sinceDamage >= mood.damageAfter {
            damages = nil
            sinceDamage = 0
            damageCount += 1
            return .damage
        }
        let forRate = mood.rate == .max ? 0 : UInt32(clamping: count * 1_000_000 / mood.rate)
        return .pass(mood.delay + forRate)
    }

    fileprivate mutating func cut(_ number: Int, _ how: WireRelay.Cut) {
        guard passages[number].cut == nil else { return }
        passages[number].cut = how
        cutCount += 1
        // Whoever waits for bytes of a connection that is over is to wait no more.
        if how != .vanish { for socket in sockets[number] { socket.stopReading() } }
    }
}
