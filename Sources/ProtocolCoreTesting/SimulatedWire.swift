package import Basics
import ProtocolCore

/// One direction of a simulated link: a pipe with a latency, a rate, a buffer, stalls and damage.
package struct SimulatedWire {
    /// The time from sending a byte until it arrives.
    package var latency = Duration.zero
    /// The rate in bytes per millisecond.
    package var rate = Int.max
    /// The maximum number of bytes in flight; beyond it the sender has to wait, as with a full socket buffer.
    package var capacity = Int.max
    /// The maximum number of bytes that arrive at a time.
    package var maxPiece = Int.max
    /// Whether nothing arrives at present.
    package var isStalled = false
    /// The number of bytes in flight.
    package private(set) var count = 0
    /// The total number of bytes that have arrived.
    package private(set) var delivered = 0

    private struct Piece {
        var bytes: [UInt8]
        var due: Instant
    }

    private var pieces: [Piece] = []
    /// The number of pieces that have arrived, and of bytes of the next one.
    private var taken = 0
    private var offset = 0
    private var freeAt = Instant(nanoseconds: 0)
    /// Whether nothing will ever arrive again; the wire accepts and discards bytes until its capacity is full.
    private var isCut = false

    package init() {}

    /// Puts bytes onto the wire.
    ///
    /// - Returns: the number of bytes that fitted.
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

    /// Takes the next bytes that have arrived by now, at most ``maxPiece`` of them.
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

    /// The moment at which the next bytes arrive; `nil` if none are in flight or the wire is stalled or cut.
    package var nextArrival: Instant? {
        isStalled || isCut || taken == pieces.count ? nil : pieces[taken].due
    }

    /// Alters one bit of the bytes that arrive next.
    ///
    /// - Returns: whether there were any bytes.
    package mutating func damage() -> Bool {
        guard taken < pieces.count else { return false }
        pieces[taken].bytes[offset] ^= 1
        return true
    }

    /// Returns an empty wire with the same properties.
    package func another() -> SimulatedWire {
        var wire = SimulatedWire()
        wire.latency = latency
        wire.rate = rate
        wire.capacity = capacity
        wire.maxPiece = maxPiece
        return wire
    }

    /// Cuts the wire; bytes in flight are lost.
    package mutating func cut() {
        pieces = []
        taken = 0
        offset = 0
        count = 0
        isCut = true
    }
}
