import CPlatform

/// Options of TCP sockets, each with its reason; `descriptor` is an open socket throughout.
///
/// An option that the system does not know is left out: each of them makes something better, and none is needed.
package enum SocketOptions {
    /// Sends small writes at once: the session has already gathered what belongs together.
    package static func noDelay(_ descriptor: Int32) {
        set(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, 1)
    }

    /// Lets the system hold at most `bytes` beyond what it can send now.
    ///
    /// Without it megabytes of bulk would wait in the system, in front of a new stream's first bytes.
    package static func limitUnsent(_ descriptor: Int32, bytes: Int32) {
        sly_limit_unsent(descriptor, bytes)
    }

    /// Lets the receive buffer hold at least `bytes`, if the system's own limit (`tcp_rmem`) allows it.
    ///
    /// Linux sizes the buffer by how much is read at once. A socket that is read in turns is left with 300 KB or 1.6 MB, by
    /// chance, and one that fills its buffer before its turn comes falls behind the others. Larger than four turns of a
    /// stream: the bytes would only wait outside of the processor's cache. Smaller: what the system does by itself. The system
    /// may still enlarge the buffer.
    package static func expectBulk(_ descriptor: Int32, bytes: Int32 = 512 << 10) {
        sly_expect_bulk(descriptor, bytes)
    }

    /// Ends the connection when sent data stays unacknowledged for this long.
    package static func userTimeout(_ descriptor: Int32, _ timeout: Duration) {
        let (seconds, _) = timeout.components
        let (milliseconds, overflow) = seconds.multipliedReportingOverflow(by: 1000)
        sly_user_timeout(descriptor, overflow ? .max : Int32(clamping: milliseconds))
    }

    /// Turns pacing off: for connections that stay on this machine.
    ///
    /// A congestion control that paces (BBR) spreads what is sent over time with a timer, and every portion is delivered from an
    /// interrupt, which also wakes the reader. Between machines that is worth its price. Within one machine there is no line to
    /// spare, and pacing takes as much processor time as everything else. A socket that does not pace stays as it is
    /// (docs/decisions/0016-loopback-connections-are-not-paced.md).
    package static func unpaced(_ descriptor: Int32) {
        guard isPacingUsual else { return }
        setCongestionControl(descriptor, unpacedControl)
    }

    /// Every system has Reno, and allows it for everybody.
    package static let unpacedControl = "reno"

    /// Whether this machine's connections are paced by default; false when there is no descriptor left to find out.
    private static let isPacingUsual: Bool = {
        guard let probe = try? SystemSocket.stream(family: AF_INET) else { return false }
        defer { close(probe) }
        return congestionControl(probe)?.hasPrefix("bbr") ?? false
    }()

    /// The name of a TCP socket's congestion control; nil when the system does not tell.
    package static func congestionControl(_ descriptor: Int32) -> String? {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(SLY_CONGESTION_NAME) + 1) { name in
            name.initialize(repeating: 0)
            guard let base = name.baseAddress, sly_congestion_control(descriptor, base) == 0 else {
                return nil
            }
            return String(cString: base)
        }
    }

    /// Chooses a TCP socket's congestion control by its name.
    package static func setCongestionControl(_ descriptor: Int32, _ name: String) {
        _ = sly_set_congestion_control(descriptor, name)
    }

    /// Lets a socket that is about to connect use every ephemeral port.
    ///
    /// Otherwise Linux gives it every other port first. When those have all been used lately (after 14 000 connections to one
    /// address within a minute), each further `connect` looks at all of them before it tries the rest.
    package static func anyPort(_ descriptor: Int32) {
        sly_any_port(descriptor)
    }

    /// Lets a listener be bound again right after its process has ended.
    package static func reuseAddress(_ descriptor: Int32) {
        set(descriptor, SOL_SOCKET, SO_REUSEADDR, 1)
    }

    /// Leaves IPv4 to others, so that `0.0.0.0` and `[::]` can both be bound.
    package static func onlyIPv6(_ descriptor: Int32) {
        set(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, 1)
    }

    /// Makes the next `close` send a reset instead of the end of the data.
    package static func resetOnClose(_ descriptor: Int32) {
        var linger = Platform.linger(l_onoff: 1, l_linger: 0)
        setsockopt(
            descriptor,
            SOL_SOCKET,
            SO_LINGER,
            &linger,
            socklen_t(MemoryLayout<Platform.linger>.size)
        )
    }

    /// Takes the error that waits at a socket: its number, or 0.
    package static func takeError(_ descriptor: Int32) -> Int32 {
        var code: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        guard getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &length) == 0 else { return errno }
        return code
    }

    /// Whether the descriptor is a stream socket: 0, or the error number that says why not.
    package static func streamSocketFault(_ descriptor: Int32) -> Int32 {
        var type: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        guard getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &length) == 0 else { return errno }
        return type == streamType ? 0 : ESOCKTNOSUPPORT
    }

    /// `SOCK_STREAM` as the number that C functions take.
    package static let streamType: Int32 = {
        #if os(Linux)
            Int32(SOCK_STREAM.rawValue)
        #else
            SOCK_STREAM
        #endif
    }()

    private static func set(_ descriptor: Int32, _ level: Int32, _ option: Int32, _ value: Int32) {
        var value = value
        setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
    }
}
