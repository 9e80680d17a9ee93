import CLibuv
import CLinux
import Glibc

/// What is asked of the system's TCP, each with its reason.
package enum SocketOptions {
    /// Small writes leave at once: we gather what belongs together ourselves.
    package static func noDelay(_ descriptor: Int32) {
        set(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, 1)
    }

    /// The system takes no more than this beyond what it can send now.
    ///
    /// Without it megabytes of bulk would sit in the system in front of a new stream's first bytes.
    package static func limitUnsent(_ descriptor: Int32, bytes: Int32) {
        set(descriptor, Int32(IPPROTO_TCP), TCP_NOTSENT_LOWAT, bytes)
    }

    /// The system holds at least so much for us to read, if its own bound (`tcp_rmem`) allows it.
    ///
    /// It lets a receive buffer grow by what is read in one go, and so leaves one that is read in turns with 300 KB or 1.6 MB, as it
    /// happens. Whoever is read less often than that is filled falls behind the others. Larger than four turns of a stream would
    /// only wait outside the processor's cache; smaller is what the system does by itself. It still may let it grow.
    ///
    /// - Parameters:
    ///   - descriptor: a connected TCP socket.
    ///   - bytes: how much.
    package static func expectBulk(_ descriptor: Int32, bytes: Int32 = 512 << 10) {
        // Nobody should be woken before so much is there: for that, the system makes the buffer as large. Setting a size
        // itself would end its growth, and most systems allow less than this.
        set(descriptor, SOL_SOCKET, SO_RCVLOWAT, bytes)
        // That it should tell of less, it does at once with this.
        set(descriptor, SOL_SOCKET, SO_RCVLOWAT, 1)
    }

    /// The system gives a connection up when what was sent stays unacknowledged for so long.
    package static func userTimeout(_ descriptor: Int32, _ timeout: Duration) {
        let (seconds, _) = timeout.components
        set(descriptor, Int32(IPPROTO_TCP), TCP_USER_TIMEOUT, Int32(clamping: seconds &* 1000))
    }

    /// What is sent is not paced: for connections that stay on this machine.
    ///
    /// A congestion control that paces (BBR) spreads what is sent over time by a timer, and each portion is then delivered,
    /// and its reader woken, from an interrupt. On the way to another machine that is worth it; within one there is nothing
    /// to be gentle with, and it takes as much processor time as all the rest. What does not pace is left as it is
    /// (docs/decisions/0016-no-pacing-within-a-machine.md).
    static func unpaced(_ descriptor: Int32) {
        guard isPacingUsual else { return }
        setCongestionControl(descriptor, unpacedControl)
    }

    /// Every system has Reno, and allows everybody to use it.
    static let unpacedControl: StaticString = "reno"

    /// Whether connections of this machine are paced unless they are told otherwise; without a descriptor to ask with, they
    /// are left as they are.
    private static let isPacingUsual: Bool = {
        let probe = sly_stream_socket(AF_INET)
        guard probe >= 0 else { return false }
        defer { close(probe) }
        return congestionControl(probe)?.hasPrefix("bbr") ?? false
    }()

    /// The name of a TCP socket's congestion control; `nil` when the system does not say.
    static func congestionControl(_ descriptor: Int32) -> String? {
        var name = [UInt8](repeating: 0, count: longestCongestionControl)
        var length = socklen_t(name.count)
        guard getsockopt(descriptor, Int32(IPPROTO_TCP), TCP_CONGESTION, &name, &length) == 0 else {
            return nil
        }
        return String(decoding: name.prefix { $0 != 0 }, as: UTF8.self)
    }

    /// Chooses a TCP socket's congestion control by its name.
    static func setCongestionControl(_ descriptor: Int32, _ name: StaticString) {
        setsockopt(
            descriptor,
            Int32(IPPROTO_TCP),
            TCP_CONGESTION,
            name.utf8Start,
            socklen_t(name.utf8CodeUnitCount)
        )
    }

    /// `TCP_CA_NAME_MAX` of the kernel.
    private static let longestCongestionControl = 16

    /// The socket may have any port that the system gives to those who connect.
    ///
    /// Otherwise it is only every other one of them, and when those have all been used lately, as they are at 14 000 connections
    /// to one address within a minute (a second, within the machine), each further `connect` looks at all of them before it
    /// turns to the rest. The numbers reach beyond what the system gives, and so leave that as it is; kernels before 6.3
    /// do not know the option, and kernels before 6.8 take no notice.
    static func anyPort(_ descriptor: Int32) {
        set(descriptor, Int32(IPPROTO_IP), ipLocalPortRange, Int32(bitPattern: 65535 << 16 | 1))
    }

    /// `IP_LOCAL_PORT_RANGE` of the kernel; the C library of Debian 12 does not have it yet.
    static let ipLocalPortRange: Int32 = 51

    /// A listener can be bound again at once after its process has ended.
    static func reuseAddress(_ descriptor: Int32) {
        set(descriptor, SOL_SOCKET, SO_REUSEADDR, 1)
    }

    /// An IPv6 listener leaves IPv4 to others: `0.0.0.0` and `[::]` can both be bound.
    static func onlyIPv6(_ descriptor: Int32) {
        set(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, 1)
    }

    /// The error that waits at a socket; asking for it takes it away.
    static func takeError(_ descriptor: Int32) -> Int32 {
        var code: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        guard getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &length) == 0 else { return errno }
        return code
    }

    private static func set(_ descriptor: Int32, _ level: Int32, _ option: Int32, _ value: Int32) {
        var value = value
        setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
    }
}
