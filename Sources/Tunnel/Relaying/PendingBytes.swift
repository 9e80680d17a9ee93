import Basics
import WireCoding

/// Received bytes that wait until a socket takes them: at most as many as the stream's window lets the peer send.
///
/// They are copied only because the reader at the other end of the socket is slower than the link.
struct PendingBytes: ~Copyable {
    private struct Piece {
        let base: UnsafeMutableRawPointer
        let capacity: Int
        var start = 0
        var end = 0
    }

    private var pieces: [Piece] = []
    private let budget: MemoryBudget
    /// The number of waiting bytes.
    private(set) var count = 0

    /// Large enough that a window of 16 MiB takes only a few hundred pieces.
    private static let largePiece = 64 << 10
    /// Enough for a stream that was interrupted in a small answer.
    private static let smallPiece = 4 << 10

    init(_ budget: MemoryBudget) {
        self.budget = budget
    }

    deinit {
        for piece in pieces {
            piece.base.deallocate()
            budget.release(piece.capacity)
        }
    }

    var isEmpty: Bool { count == 0 }

    /// Appends a copy of the bytes.
    mutating func append(_ bytes: UnsafeRawBufferPointer) {
        var rest = bytes
        while !rest.isEmpty {
            if pieces.last.map({ $0.end == $0.capacity }) ?? true { addPiece(for: rest.count) }
            let last = pieces.count - 1
            let part = min(rest.count, pieces[last].capacity - pieces[last].end)
            UnsafeMutableRawBufferPointer(start: pieces[last].base + pieces[last].end, count: part)
                .copyMemory(from: UnsafeRawBufferPointer(rebasing: rest.prefix(part)))
            pieces[last].end += part
            count += part
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(part))
        }
    }

    /// Lists the oldest bytes, as many runs as fit into `segments`.
    ///
    /// - Returns: the number of segments that were filled.
    func oldest(into segments: UnsafeMutableBufferPointer<MemorySegment>) -> Int {
        var filled = 0
        for piece in pieces.prefix(segments.count) {
            segments[filled] = MemorySegment(base: piece.base + piece.start, count: piece.end - piece.start)
            filled += 1
        }
        return filled
    }

    /// Discards the oldest `dropped` bytes.
    mutating func drop(_ dropped: Int) {
        var rest = dropped
        var emptied = 0
        while rest > 0 {
            let part = min(rest, pieces[emptied].end - pieces[emptied].start)
            pieces[emptied].start += part
            rest -= part
            if pieces[emptied].start == pieces[emptied].end { emptied += 1 }
        }
        count -= dropped
        for piece in pieces.prefix(emptied) {
            piece.base.deallocate()
            budget.release(piece.capacity)
        }
        pieces.removeFirst(emptied)
    }

    private mutating func addPiece(for wanted: Int) {
        let capacity = pieces.isEmpty && wanted <= Self.smallPiece ? Self.smallPiece : Self.largePiece
        budget.take(capacity)
        pieces.append(
            Piece(base: .allocate(byteCount: capacity, alignment: 16), capacity: capacity)
        )
    }
}
