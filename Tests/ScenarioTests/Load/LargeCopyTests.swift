import Glibc
import Testing

/// Copies of 1 GiB: every byte is checked, and the memory of both ends stays bounded.
@Suite(.serialized, .enabled(if: Sallyport.isThere, "\(Sallyport.missing)"))
struct LargeCopyTests {
    private static let pieces = (1 << 30) / CheckedBytes.pieceSize
    private let bytes = CheckedBytes(name: 1 << 30)
    private let target: PlainListener
    private let pair: TunnelPair

    init() throws {
        target = try PlainListener(.ipv4(port: 0))
        pair = try TunnelPair(to: target.address)
    }

    @Test func aGibibyteToTheTargetArrivesUnchanged() throws {
        let visitor = try pair.connect()
        let served = try target.accept()
        try copy(from: visitor, to: served)
        #expect(try pair.streamLines().server["up"] == "1.0GiB")
    }

    @Test func aGibibyteFromTheTargetArrivesUnchanged() throws {
        let visitor = try pair.connect()
        let served = try target.accept()
        try copy(from: served, to: visitor)
        #expect(try pair.streamLines().client["down"] == "1.0GiB")
    }

    /// Copies in one direction; the other direction ends without a byte.
    private func copy(from sender: PlainSocket, to receiver: PlainSocket) throws {
        let bytes = bytes
        receiver.finish()
        Thread.start {
            try? bytes.write(pieces: Self.pieces, to: sender)
            sender.finish()
        }
        try bytes.check(pieces: Self.pieces, from: receiver)
        let rest = try receiver.readToEnd()
        #expect(rest.bytes.isEmpty && rest.end == .end)
        // An end may hold its windows; the system's buffers do not count here.
        for end in [pair.client, pair.server] { #expect(end.residentBytes < 96 << 20) }
        receiver.close()
        sender.close()
    }
}
