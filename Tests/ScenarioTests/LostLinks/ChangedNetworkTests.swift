import Glibc
import Testing

/// Changes of the network that the kernel tells of, between two hosts with a cable between them.
@Suite(
    .serialized,
    .enabled(if: Sallyport.isThere && NamespacePair.isPossible, "\(NamespacePair.missing)")
)
struct ChangedNetworkTests {
    @Test func aCableThatIsOutForTenSecondsIsAPause() throws {
        let pair = try NamespacePair()
        let (visitor, served) = try pair.stream()
        try pair.ipAtTheClient("link", "set", "cable", "down")
        // At once, although nothing was sent that could have failed.
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
        // It is dialled as soon as the cable is there again, and not when the next attempt would have been due.
        #expect(clock.now - since < .seconds(5))
        try pair.client.line(with: "session resumed", "streams=1")
    }

    @Test func aHostThatGetsAnotherAddressGoesOn() throws {
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

    @Test func aSwitchThatDiesIsNoticedWithinSecondsAlthoughTheAddressStays() throws {
        let pair = try NamespacePair()
        let (visitor, served) = try pair.stream()
        // The client's host sees that nothing is at the other end of its cable, and keeps its address and its routes.
        try pair.ipAtTheServer("link", "set", "cable", "down")
        try pair.client.line(with: "link lost", "streams=1", "keepalive timeout")
        try pair.ipAtTheServer("link", "set", "cable", "up")
        try served.write("and back")
        #expect(try visitor.read(8) == Array("and back".utf8))
    }
}
