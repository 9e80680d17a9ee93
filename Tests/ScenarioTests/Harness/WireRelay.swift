import Glibc
import Synchronization

/// A relay between the two ends of a tunnel: counts bytes, and can alter, hold, delay and cut connections.
final class WireRelay: Sendable {
    /// One relayed connection.
    struct Passage {
        let began: ContinuousClock.Instant
        var up = 0
        var down = 0
        /// The number of directions that have not ended.
        var openDirections = 2
        /// The kind of cut; nil if it was not cut.
        var cut: Cut?
    }

    enum Direction: Sendable {
        /// From the client to the server.
        case up
        case down
    }

    /// The ways to cut a connection.
    enum Cut: Sendable, CaseIterable {
        /// Both ends get an RST.
        case reset
        /// Both ends get a FIN.
        case end
        /// Neither end notices: the relay drops all bytes.
        case vanish
    }

    /// The conditions of the network that the relay simulates.
    struct Conditions: Sendable {
        /// Whether the relay holds all bytes for now.
        var isBlackHole = false
        /// The delay of each portion, in microseconds.
        var delay: UInt32 = 0
        /// The bandwidth of each direction, in bytes per second.
        var rate = Int.max
        /// The number of bytes between two cuts.
        var cutAfter = Int.max
        var cuts: [Cut] = [.reset, .end]
        /// The number of bytes between two flipped bits.
        var damageAfter = Int.max
    }

    fileprivate struct State {
        var passages: [Passage] = []
        var sockets: [[PlainSocket]] = []
        var conditions = Conditions()
        var damages: Direction?
        /// The bytes since the last cut, and since the last flipped bit.
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

    /// The number of cut connections, and of flipped bits.
    var cutCount: Int { state.withLock { $0.cutCount } }
    var damageCount: Int { state.withLock { $0.damageCount } }

    /// Changes the conditions from now on.
    func change(_ body: (inout Conditions) -> Void) {
        state.withLock { body(&$0.conditions) }
    }

    /// Flips one bit of the next bytes in this direction.
    func damage(_ direction: Direction) {
        state.withLock { $0.damages = direction }
    }

    /// Cuts all current connections.
    func cutAll(_ how: Cut) {
        state.withLock { state in
            for number in state.passages.indices where state.passages[number].openDirections == 2 {
                state.cut(number, how)
            }
        }
    }

    private func begin(_ near: PlainSocket, _ far: PlainSocket) -> Int {
        // Only the scenario may delay bytes, not the system.
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
            waitWhileBlackHole(number)
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

    private func waitWhileBlackHole(_ number: Int) {
        while state.withLock({ $0.conditions.isBlackHole && $0.passages[number].cut == nil }) { usleep(2000) }
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
        if sinceCut >= conditions.cutAfter, !conditions.cuts.isEmpty {
            sinceCut = 0
            cut(number, conditions.cuts[cutCount % conditions.cuts.count])
            return passages[number].cut == .vanish ? .swallow : .stop
        }
        sinceDamage += count
        if damages == direction || sinceDamage >= conditions.damageAfter {
            damages = nil
            sinceDamage = 0
            damageCount += 1
            return .damage
        }
        let forRate = conditions.rate == .max ? 0 : UInt32(clamping: count * 1_000_000 / conditions.rate)
        return .pass(conditions.delay + forRate)
    }

    fileprivate mutating func cut(_ number: Int, _ how: WireRelay.Cut) {
        guard passages[number].cut == nil else { return }
        passages[number].cut = how
        cutCount += 1
        // A thread that waits for bytes of a cut connection must not wait any longer.
        if how != .vanish { for socket in sockets[number] { socket.stopReading() } }
    }
}
