import Glibc

/// A long sequence of bytes that its name determines, so that it can be made and checked piece by piece.
///
/// Every piece begins with its number; the rest comes from another place of a random block than that of its neighbours.
/// So a byte that is missing, repeated or moved is detected. The C library compares the bytes, so that a test built
/// without optimization is not slower than the tunnel.
struct CheckedBytes {
    static let pieceSize = 1 << 16
    private let block: [UInt8]

    init(name: UInt64) {
        var state = name
        var block: [UInt8] = []
        block.reserveCapacity(3 * Self.pieceSize)
        while block.count < 3 * Self.pieceSize {
            withUnsafeBytes(of: Self.next(&state)) { block += $0 }
        }
        self.block = block
    }

    /// SplitMix64.
    private static func next(_ state: inout UInt64) -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// The piece with this number.
    func piece(_ number: Int) -> [UInt8] {
        let start = number &* 7919 % (2 * Self.pieceSize)
        var piece = Array(block[start..<start + Self.pieceSize])
        withUnsafeBytes(of: UInt64(number).littleEndian) { piece.replaceSubrange(0..<8, with: $0) }
        return piece
    }

    /// The first `count` bytes.
    func prefix(_ count: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count + Self.pieceSize)
        for number in 0..<(count + Self.pieceSize - 1) / Self.pieceSize { bytes += piece(number) }
        return Array(bytes[..<count])
    }

    /// Writes whole pieces.
    func write(pieces: Int, to socket: PlainSocket) throws {
        for number in 0..<pieces { try socket.write(piece(number)) }
    }

    /// Reads whole pieces; throws for the first that differs.
    func check(pieces: Int, from socket: PlainSocket) throws {
        for number in 0..<pieces where try socket.read(Self.pieceSize) != piece(number) {
            throw ScenarioFailure("piece \(number) of \(pieces) is not what was sent")
        }
    }
}
