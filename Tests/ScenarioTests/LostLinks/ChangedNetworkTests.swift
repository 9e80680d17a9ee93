import Glibc
import Testing

/// Network changes that the kernel reports, between two hosts with a cable between them.
@Suite(
    .serialized,
    .enabled(if: Sallyport.isThere && NamespacePair.isPossible, "\(NamespacePair.missing)")
)
struct ChangedNetworkTests {
    @Test func streamsSurviveACableThatIsOutForTenSeconds() throws {
        let pair = try NamespacePair()
        let (visitor, served) = try pair.stream()
        try pair.ipAtTheClient("link", "set", "cable", "down")
        // The client notices at once, although it has sent nothing that could fail.
        try pair.client.line(
            with: "link lost",
            "streams=1",
            "the local address or the route is gone"
        )
        try served.write("said meanwhile")
        let clock = ContinuousClock()
        let end = clock.now + .seconds(10)
        try Waiting.until("ten seconds to pass") { clock.now >= end }
        #expect(pair.client.lines(with: "stream closed").isEmpty)
        try pair.ipAtTheClient("link", "set", "cable", "up")
        let since = clock.now
        #expect(try visitor.read(14) == Array("said meanwhile".utf8))
        // The client dials as soon as the cable is up again, before the next attempt is due.
        #expect(clock.now - since < .seconds(5))
        try pair.client.line(with: "session resumed", "streams=1")
    }

    @Test func streamsSurviveANewAddressOfTheClient() throws {
        let pair = try NamespacePair()
        let (visitor, served) = try pair.stream()
        try pair.ipAtTheClient("addr", "flush", "dev", "cable")
        try pair.ipAtTheClient("addr", "add", "10.77.0.9/24", "dev", "cable")
        try visitor.write("from another address")
        #expect(try served.read(20) == Array("from another address".utf8))
        try pair.client.line(
            with: "link lost",
            "streams=1",
            "the local address or the route is gone"
        )
        try pair.server.line(with: "session resumed", "streams=1", "address=10.77.0.9:")
    }

    @Test func aDeadSwitchIsDetectedWithinSecondsAlthoughTheAddressStays() throws {
        let pair = try NamespacePair()
        let (visitor, served) = try pair.stream()
        // The client's host sees that its cable has no carrier, but keeps its address and its routes.
        try pair.ipAtTheServer("link", "set", "cable", "down")
        try pair.client.line(with: "link lost", "streams=1", "keepalive timeout")
        try pair.ipAtTheServer("link", "set", "cable", "up")
        try served.write("and back")
        #expect(try visitor.read(8) == Array("and back".utf8))
    }
}
