import EventIO
import Logging
import SecureLink
import Tunnel

/// The loopback interface: a source, a sink, and between them nothing, a pair of plain relays, or the tunnel.
///
/// Everything runs in this process, so its processor time covers all parts.
struct LoopbackRung: Rung {
    /// The path between source and sink.
    enum Between {
        case direct
        case relay
        /// The tunnel without resumption: sessions end with their links, and so keep no sent bytes.
        case forgetfulTunnel
        case tunnel
    }

    let name: String
    let standsOn: Int?
    private let entry: SocketAddress
    private let sink: Sink
    private let kept: [AnyObject]

    init(_ between: Between) throws {
        let sink = try Sink()
        self.sink = sink
        switch between {
        case .direct:
            (name, standsOn) = ("loopback, nothing between", nil)
            entry = sink.address
            kept = []
        case .relay:
            (name, standsOn) = ("loopback, two plain relays", 4)
            let second = try PlainRelay(to: sink.address)
            let first = try PlainRelay(to: second.address)
            entry = first.address
            kept = [first, second]
        case .forgetfulTunnel, .tunnel:
            let keeps = between == .tunnel
            (name, standsOn) =
                keeps
                ? ("loopback, the tunnel", 6) : ("loopback, the tunnel, resume-buffer = off", 5)
            let tunnel = try TunnelPair(to: sink.address, keeps: keeps)
            entry = tunnel.entry
            kept = [tunnel]
        }
    }

    func move(_ count: Int) throws {
        sink.expect(count)
        let socket = try BlockingSocket.connect(to: entry)
        let block = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 4096)
        defer { block.deallocate() }
        var sent = 0
        while sent < count {
            let part = min(block.count, count - sent)
            try socket.write(UnsafeRawBufferPointer(rebasing: block[..<part]))
            sent += part
        }
        sink.wait()
    }
}
