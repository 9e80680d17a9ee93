package import Basics
import ProtocolCore

/// One direction of a simulated link: a pipe with a delay, a rate, a buffer and moods.
package struct SimulatedWire {
    /// How long a byte is under way.
    package var latency = Duration.zero
    /// How many bytes go in a millisecond.
    package var rate = Int.max
    /// How many bytes may be under way before the sender is told to wait, as a socket's buffer does.
    package var capacity = Int.max
    /// How many bytes arrive at a time, at most.
    package var maxPiece = Int.max
    /// Whether nothing arrives for the time being.
    package var isStalled = false
    /// How many bytes are under way.
    package private(set) var count = 0
    /// How many bytes ever arrived.
    package private(set) var delivered = 0

    private struct Piece {
        var bytes: [UInt8]
        var due: Instant
    }

    private var pieces: [Piece] = []
    /// How many pieces have arrived, and how much of the next one.
    private var taken = 0
    private var offset = 0
    private var freeAt = Instant(nanoseconds: 0)
    /// Whether nothing will ever arrive; what is put onto it goes nowhere, as far as there is room.
    private var isCut = false

    package init() {}

    /// Takes bytes onto the wire.
    ///
    /// - Returns: how many there was room for.
    package mutating func put(_ bytes: UnsafeRawBufferPointer, at now: Instant) -> Int {
        let room = min(bytes.count, capacity - count)
        guard room > 0 else { return 0 }
        let start = max(now, freeAt)
        freeAt =
            rate == .max ? start : start.advanced(by: .nanoseconds(Int64(room) * 1_000_000 / Int64(rate)))
        pieces.append(
            Piece(
                bytes: Array(UnsafeRawBufferPointer(rebasing: bytes[..<room])),
                due: freeAt.advanced(by: latency)
            )
        )
        count += room
        return room
    }

    /// The next bytes that have arrived by now, at most ``maxPiece`` of them.
    package mutating func take(at now: Instant) -> [UInt8]? {
        guard !isStalled, !isCut, taken < pieces.count, pieces[taken].due <= now else { return nil }
        let piece = pieces[taken].bytes
        let bytes = Array(
            piece[offset..<min(piece.count, maxPiece == .max ? .max : offset + maxPiece)]
        )
        offset += bytes.count
        count -= bytes.count
        delivered += bytes.count
        guard offset == piece.count else { return bytes }
        offset = 0
        taken += 1
        if taken == pieces.count {
            pieces.removeAll(keepingCapacity: true)
            taken = 0
        }
        return bytes
    }

    /// When the next bytes arrive; `nil` when none are under way or nothing moves.
    package var nextArrival: Instant? {
        isStalled || isCut || taken == pieces.count ? nil : pieces[taken].due
    }

    /// Alters one bit of the bytes that arrive next.
    ///
    /// - Returns: whether there were any.
    package mutating func damage() -> Bool {
        guard taken < pieces.count else { return false }
        pieces[taken].bytes[offset] ^= 1
        return true
    }

    /// A wire of the same kind with nothing on it.
    package func another() -> SimulatedWire {
        var wire = SimulatedWire()
        wire.latency = latency
        wire.rate = rate
        wire.capacity = capacity
        wire.maxPiece = maxPiece
        return wire
    }

    /// What is under way is lost.
    package mutating func cut() {
        pieces = []
        taken = 0
        offset = 0
        count = 0
        isCut = true
    }
}
