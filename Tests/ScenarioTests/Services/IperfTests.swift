import Glibc
import Testing

/// iperf3, which fills a line with several streams beside the one that controls it.
@Suite(.serialized, .enabled(if: Program.areThere("iperf3"), "\(Program.missing)"))
struct IperfTests {
    private let iperf: Service
    private let pair: TunnelPair

    init() throws {
        let folder = try TemporaryFolder()
        let address = try PlainAddress.free()
        iperf = try Service(
            [Program.path("iperf3"), "-s", "-B", "127.0.0.1", "-p", "\(address.port)", "--forceflush"],
            in: folder,
            at: address
        )
        // It takes one visitor at a time: no connection of ours should be the first.
        try iperf.process.line(with: "Server listening")
        pair = try TunnelPair(to: address)
    }

    @Test(arguments: [[], ["-R"]])
    func iperfIsContentWithTheTunnel(direction: [String]) throws {
        let client = try Child(
            [Program.path("iperf3"), "-c", "127.0.0.1", "-p", "\(pair.entry.port)", "-t", "2", "-P", "3"]
                + direction,
            in: pair.folder
        )
        #expect(try client.wait() == .exited(0), "\(client.output)")
        #expect(client.output.contains("iperf Done."))
    }
}
