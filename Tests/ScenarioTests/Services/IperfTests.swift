import Glibc
import Testing

/// iperf3, which sends bulk over several streams beside its control stream.
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
        // iperf3 serves one client at a time, so the scenario must not probe its port.
        try iperf.process.line(with: "Server listening")
        pair = try TunnelPair(to: address)
    }

    @Test(arguments: [[], ["-R"]])
    func iperfSucceedsThroughTheTunnel(direction: [String]) throws {
        let client = try Child(
            [Program.path("iperf3"), "-c", "127.0.0.1", "-p", "\(pair.entry.port)", "-t", "2", "-P", "3"]
                + direction,
            in: pair.folder
        )
        #expect(try client.wait() == .exited(0), "\(client.output)")
        #expect(client.output.contains("iperf Done."))
    }
}
