import Testing

@testable import EventIO

@Suite struct SocketAddressTests {
    @Test(arguments: [
        ("127.0.0.1", "127.0.0.1:80"), ("0.0.0.0", "0.0.0.0:80"), ("255.255.255.255", "255.255.255.255:80"),
        ("::1", "[::1]:80"), ("2001:db8::7", "[2001:db8::7]:80"), ("::ffff:10.1.2.3", "10.1.2.3:80"),
    ]) func aNumericAddressIsShownInItsUsualForm(host: String, shown: String) throws {
        #expect(try #require(SocketAddress(numericHost: host, port: 80)).description == shown)
    }

    @Test(arguments: ["localhost", "1.2.3", "1.2.3.4.5", "::1::2", "", "fe80::1%nosuchlink0"])
    func aNameIsNoNumericAddress(host: String) {
        #expect(SocketAddress(numericHost: host, port: 80) == nil)
    }

    @Test func anAddressConvertsToASystemAddressAndBack() throws {
        for address in [
            try #require(SocketAddress(numericHost: "10.1.2.3", port: 65535)),
            try #require(SocketAddress(numericHost: "2001:db8::ff00:42:8329", port: 1)),
            try #require(SocketAddress(unixPath: "/tmp/a b.sock")),
        ] {
            let again = address.withSystemAddress { SocketAddress($0, length: $1) }
            #expect(again == address)
        }
    }

    @Test func thePrefixIsTheIPv4AddressOrTheFirst64BitsOfAnIPv6Address() throws {
        func prefix(_ host: String) throws -> AddressPrefix {
            try #require(SocketAddress(numericHost: host, port: 9)).prefix
        }
        #expect(try prefix("10.0.0.1") != prefix("10.0.0.2"))
        #expect(try prefix("2001:db8::1") == prefix("2001:db8::2"))
        #expect(try prefix("2001:db8::1") != prefix("2001:db8:0:1::1"))
        #expect(try prefix("::ffff:10.0.0.1") == prefix("10.0.0.1"))
    }

    @Test func aUnixPathLongerThanSunPathIsRefused() {
        #expect(SocketAddress(unixPath: String(repeating: "a", count: 107)) != nil)
        #expect(SocketAddress(unixPath: String(repeating: "a", count: 108)) == nil)
        #expect(SocketAddress(unixPath: "") == nil)
    }
}
