import CPlatform

/// Options of TCP sockets, each with its reason; `descriptor` is always an open socket.
///
/// An option that the system does not know is skipped: each of them is an improvement, and none is required.
package enum SocketOptions {
    /// Sends small writes at once (TCP_NODELAY): the session has already combined small pieces into records.
    package static func noDelay(_ descriptor: Int32) {
        set(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, 1)
    }

    /// Limits the bytes that the system buffers beyond those that it can send now to `bytes`.
    ///
    /// Without the limit, megabytes of bulk data would wait in the system, ahead of a new stream's first bytes.
    package static func limitUnsent(_ descriptor: Int32, bytes: Int32) {
        sly_limit_unsent(descriptor, bytes)
    }

    /// Lets the receive buffer hold at least `bytes`, if the system's own limit (`tcp_rmem`) allows it.
    ///
    /// Linux sizes the buffer by how much is read at once. A socket that is read in turns ends up with 300 KB or 1.6 MB, by
    /// chance, and a socket that fills its buffer before its turn falls behind the others. Larger than four turns of a stream:
    /// the bytes would only wait outside the processor's cache. Smaller: the system's own choice applies. The system may still
    /// enlarge the buffer.
    package static func expectBulk(_ descriptor: Int32, bytes: Int32 = 512 << 10) {
        sly_expect_bulk(descriptor, bytes)
    }

    /// Ends the connection when sent data stays unacknowledged for this long.
    package static func userTimeout(_ descriptor: Int32, _ timeout: Duration) {
        let (seconds, _) = timeout.components
        let (milliseconds, overflow) = seconds.multipliedReportingOverflow(by: 1000)
        sly_user_timeout(descriptor, overflow ? .max : Int32(clamping: milliseconds))
    }

    /// Turns pacing off, for connections within this machine.
    ///
    /// A congestion control that paces (BBR) spreads sent data over time with a timer. Each portion is then delivered from an
    /// interrupt, which also wakes the reader. That is worth its cost between machines. Within one machine there is no network to
    /// protect, and pacing takes as much processor time as everything else. A socket that does not pace is not changed
    /// (docs/decisions/0016-loopback-connections-are-not-paced.md).
    package static func unpaced(_ descriptor: Int32) {
        guard isPacingUsual else { return }
        setCongestionControl(descriptor, unpacedControl)
    }

    /// The congestion control without pacing: every system has Reno, and allows every user to choose it.
    package static let unpacedControl = "reno"

    /// Whether this machine paces connections by default; false if no descriptor is left to find out.
    private static let isPacingUsual: Bool = {
        guard let probe = try? SystemSocket.stream(family: AF_INET) else { return false }
        defer { close(probe) }
        return congestionControl(probe)?.hasPrefix("bbr") ?? false
    }()

    /// Returns the name of a TCP socket's congestion control; nil if the system does not report it.
    package static func congestionControl(_ descriptor: Int32) -> String? {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(SLY_CONGESTION_NAME) + 1) { name in
            name.initialize(repeating: 0)
            guard let base = name.baseAddress, sly_congestion_control(descriptor, base) == 0 else {
                return nil
            }
            return String(cString: base)
        }
    }

    /// Sets a TCP socket's congestion control by name.
    package static func setCongestionControl(_ descriptor: Int32, _ name: String) {
        _ = sly_set_congestion_control(descriptor, name)
    }

    /// Lets a socket that is about to connect use every ephemeral port.
    ///
    /// Otherwise Linux uses only every other port at first. When all of those were used recently (after 14 000 connections to one
    /// address within a minute), each further `connect` scans all of them before it tries the rest.
    package static func anyPort(_ descriptor: Int32) {
        sly_any_port(descriptor)
    }

    /// Lets a new process bind a listener's address right after the previous process has ended (SO_REUSEADDR).
    package static func reuseAddress(_ descriptor: Int32) {
        set(descriptor, SOL_SOCKET, SO_REUSEADDR, 1)
    }

    /// Restricts a socket to IPv6, so that `0.0.0.0` and `[::]` can both be bound.
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

    /// Takes the pending error of a socket: its number, or 0.
    package static func takeError(_ descriptor: Int32) -> Int32 {
        var code: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        guard getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &length) == 0 else { return errno }
        return code
    }

    /// Checks that the descriptor is a stream socket: returns 0, or the error number of the reason why it is not.
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
