import Glibc
import Testing

/// The receive buffers of streams that move bulk, on a host without automatic buffer tuning.
@Suite(
    .serialized,
    .enabled(
        if: Sallyport.isThere && NamespacePair.isPossible && Program.areThere("ss"),
        "\(NamespacePair.missing)"
    )
)
struct BulkBuffersTests {
    private let folder: TemporaryFolder
    private let host = "sly-bulk-\(getpid())"

    init() throws {
        folder = try TemporaryFolder()
    }

    @Test func aSideThatSendsBulkGetsAReceiveBufferOf512KiB() throws {
        try Program.run("ip", "netns", "add", host, in: folder)
        defer { _ = try? Program.run("ip", "netns", "del", host, in: folder) }
        try Program.run("ip", "-n", host, "link", "set", "lo", "up", in: folder)
        let settings =
            "cd /proc/sys/net/ipv4 && echo 0 > tcp_moderate_rcvbuf && echo 4096 262144 6291456 > tcp_rmem"
        try Program.run("ip", "netns", "exec", host, "sh", "-c", settings, in: folder)
        let demo = try Child(["ip", "netns", "exec", host, Sallyport.path, "demo", "--once"], in: folder)
        let sockets = try Program.path("ss")
        var sizes: Set<Int> = []
        while demo.end == nil, !sizes.contains(where: { $0 >= 512 << 10 }) {
            let list = try Child(["ip", "netns", "exec", host, sockets, "-tmnH"], in: folder)
            try list.wait()
            sizes.formUnion(list.output.matches(of: /,rb(\d+),/).compactMap { Int($0.1) })
        }
        #expect(sizes.contains { $0 >= 512 << 10 }, "\(sizes.sorted())")
        // Other sockets keep the system's default size.
        #expect(sizes.contains(262_144), "\(sizes.sorted())")
        #expect(try demo.wait() == .exited(0), "\(demo.output)")
    }
}
