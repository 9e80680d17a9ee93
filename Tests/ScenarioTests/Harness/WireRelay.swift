import Synchronization

/// Stands between the two ends of a tunnel: counts what passes, and can alter it.
final class WireRelay: Sendable {
    /// One connection that passed through.
    struct Passage {
        let began: ContinuousClock.Instant
        var up = 0
        var down = 0
        /// Whether both directions have come to their ends.
        var openDirections = 2
    }

    enum Direction: Sendable {
        /// From the client to the server.
        case up
        case down
    }

    private struct State {
        var passages: [Passage] = []
        var damages: Direction?
    }

    private let listener: PlainListener
    private let state = Mutex(State())

    /// Relays to `address`, from a free port.
    init(to address: PlainAddress) throws {
        listener = try PlainListener(.ipv4(port: 0))
        listener.serve { [weak self] near in
            guard let self else { return }
            let far = try PlainSocket(to: address)
            let number = begin()
            let other = Background { self.pump(from: far, to: near, number, .down) }
            pump(from: near, to: far, number, .up)
            try other.wait(within: .seconds(120))
        }
    }

    var address: PlainAddress { listener.address }

    /// The connections so far, oldest first.
    var passages: [Passage] { state.withLock { $0.passages } }

    /// One bit of the next bytes in this direction is flipped.
    func damage(_ direction: Direction) {
        state.withLock { $0.damages = direction }
    }

    private func begin() -> Int {
        state.withLock { state in
            state.passages.append(Passage(began: ContinuousClock().now))
            return state.passages.count - 1
        }
    }

    private func pump(
        from source: PlainSocket,
        to sink: PlainSocket,
        _ number: Int,
        _ direction: Direction
    ) {
        while var bytes = try? source.readSome(), !bytes.isEmpty {
            let isDamaged = state.withLock { state in
                switch direction {
                case .up: state.passages[number].up += bytes.count
                case .down: state.passages[number].down += bytes.count
                }
                guard state.damages == direction else { return false }
                state.damages = nil
                return true
            }
            if isDamaged { bytes[bytes.count - 1] ^= 0x10 }
            guard (try? sink.write(bytes)) != nil else { break }
        }
        sink.finish()
        state.withLock { $0.passages[number].openDirections -= 1 }
    }
}
