import ProtocolCoreTesting
import Testing

@testable import EventIO

@Suite struct EndpointTests {
    private static let listening = Endpoint.Use.listening(barePortHost: "127.0.0.1")
    private static let dialling = Endpoint.Use.dialling(barePortHost: nil)

    @Test(arguments: [
        ("127.0.0.1:5432", Endpoint.tcp(host: "127.0.0.1", port: 5432)),
        ("Tunnel.Example.COM:7443", .tcp(host: "tunnel.example.com", port: 7443)),
        ("example.com.:1", .tcp(host: "example.com.", port: 1)),
        ("under_score:65535", .tcp(host: "under_score", port: 65535)),
        ("[::1]:5432", .tcp(host: "::1", port: 5432)),
        ("[2001:0DB8:0:0:0:0:0:1]:7443", .tcp(host: "2001:db8::1", port: 7443)),
        ("[fe80::1%Eth0]:7443", .tcp(host: "fe80::1%Eth0", port: 7443)),
        ("unix:/run/app/pg.sock", .unix(path: "/run/app/pg.sock")),
        ("UNIX:/run/App.sock", .unix(path: "/run/App.sock")),
        ("unix:/run/a:b [c].sock", .unix(path: "/run/a:b [c].sock")),
    ])
    func aCompleteAddressMeansTheSameForListeningAndDialling(text: String, expected: Endpoint) throws {
        #expect(try Endpoint(parsing: text, for: Self.listening) == expected)
        #expect(try Endpoint(parsing: text, for: Self.dialling) == expected)
    }

    @Test func aMissingHostTakesTheDefaultOfTheUse() throws {
        #expect(try Endpoint(parsing: ":80", for: Self.listening) == .tcp(host: "", port: 80))
        #expect(try Endpoint(parsing: "80", for: Self.listening) == .tcp(host: "127.0.0.1", port: 80))
        #expect(try Endpoint(parsing: "80", for: .listening(barePortHost: "")) == .tcp(host: "", port: 80))
        let local = Endpoint.Use.dialling(barePortHost: "127.0.0.1")
        #expect(try Endpoint(parsing: "80", for: local) == .tcp(host: "127.0.0.1", port: 80))
        #expect(try Endpoint(parsing: ":80", for: local) == .tcp(host: "127.0.0.1", port: 80))
    }

    @Test func portZeroIsAllowedForListeningAndNotForDialling() throws {
        #expect(try Endpoint(parsing: "127.0.0.1:0", for: Self.listening) == .tcp(host: "127.0.0.1", port: 0))
        #expect(throws: EndpointFault("port 0 cannot be dialled", hint: "a port is 1 to 65535")) {
            try Endpoint(parsing: "127.0.0.1:0", for: Self.dialling)
        }
    }

    @Test(arguments: [
        ("", "an address is empty"),
        ("80", "`80` names no host (write `HOST:PORT`)"),
        (":80", "`:80` names no host (write `HOST:PORT`)"),
        ("example.com", "`example.com` has no port (write `example.com:PORT`)"),
        ("example.com:", "the port is missing (a port is 1 to 65535)"),
        ("example.com:https", "`https` is not a port (a port is 1 to 65535)"),
        ("example.com:65536", "`65536` is not a port (a port is 1 to 65535)"),
        ("example.com:+80", "`+80` is not a port (a port is 1 to 65535)"),
        ("example.com:99999999999999999999", "`99999999999999999999` is not a port (a port is 1 to 65535)"),
        ("::1:80", "`::1:80` has more than one colon (an IPv6 address is written in brackets: `[::1]:PORT`)"),
        ("[::1]", "`[::1]` has no port (write `[::1]:PORT`)"),
        ("[::1:80", "`[::1:80` has no `]` (an IPv6 address is written `[::1]:PORT`)"),
        ("[]:80", "`` is not an IPv6 address (brackets hold an IPv6 address: `[::1]:PORT`)"),
        (
            "[127.0.0.1]:80",
            "`127.0.0.1` is not an IPv6 address (brackets hold an IPv6 address: `[::1]:PORT`)"
        ),
        ("[fe80::1%]:80", "`` is not an interface name"),
        ("[fe80::1%an-interface-name-too-long]:80", "`an-interface-name-too-long` is not an interface name"),
        ("10.0.0.300:80", "`10.0.0.300` is not an IPv4 address (it has four numbers from 0 to 255)"),
        ("10.1:80", "`10.1` is not an IPv4 address (it has four numbers from 0 to 255)"),
        ("a..b:80", "`a..b` is not a host name (between two dots there are 1 to 63 characters)"),
        (".:80", "`.` is not a host name (between two dots there are 1 to 63 characters)"),
        ("*:80", "`*` is not a host (to listen on every address write `:PORT`)"),
        ("a b:80", "` ` cannot be in a host name"),
        ("müller.de:80", "`ü` cannot be in a host name (write a name with other letters in its `xn--` form)"),
        (
            "http://example.com:80",
            "`http://example.com:80` is neither HOST:PORT nor a Unix socket (a URL is not understood here)"
        ),
        ("/run/x.sock", "`/run/x.sock` is neither HOST:PORT nor a Unix socket (write `unix:/run/x.sock`)"),
        ("unix:", "a Unix socket needs an absolute path (write `unix:/run/NAME.sock`)"),
        ("unix:x.sock", "a Unix socket needs an absolute path (write `unix:/run/NAME.sock`)"),
        ("unix:@x", "a Unix socket needs an absolute path (write `unix:/run/NAME.sock`)"),
        ("unix:/a\u{0}b", "`\\0` cannot be in the path of a Unix socket"),
        ("\u{1B}[2J", "`\\u{1B}[2J` has no port (write `\\u{1B}[2J:PORT`)"),
    ])
    func anErrorNamesTheFault(text: String, message: String) {
        let fault = #expect(throws: EndpointFault.self) { try Endpoint(parsing: text, for: Self.dialling) }
        #expect(fault?.description == message)
    }

    @Test func aUnixPathHasAtMost107Bytes() throws {
        let longest = "/" + String(repeating: "x", count: 106)
        #expect(try Endpoint(parsing: "unix:" + longest, for: Self.listening) == .unix(path: longest))
        #expect(throws: EndpointFault.self) { try Endpoint(parsing: "unix:\(longest)x", for: Self.listening) }
        // The limit is in bytes, not characters: 54 times two bytes, and the slash.
        let letters = "/" + String(repeating: "ü", count: 54)
        #expect(throws: EndpointFault.self) { try Endpoint(parsing: "unix:" + letters, for: Self.listening) }
    }

    @Test func aHostNameHasAtMost253BytesAndALabel63() throws {
        let label = String(repeating: "a", count: 63)
        let longest = [label, label, label, String(repeating: "a", count: 61)].joined(separator: ".")
        #expect(try Endpoint(parsing: longest + ":1", for: Self.dialling) == .tcp(host: longest, port: 1))
        #expect(throws: EndpointFault.self) {
            try Endpoint(parsing: "a" + longest + ":1", for: Self.dialling)
        }
        #expect(throws: EndpointFault.self) { try Endpoint(parsing: "a\(label):1", for: Self.dialling) }
    }

    @Test(arguments: [
        "127.0.0.1:5432", ":80", "[::]:7443", "[fe80::1%eth0]:1", "localhost:65535", "unix:/run/a b.sock",
    ])
    func theTextOfAnEndpointParsesBackToItself(text: String) throws {
        let endpoint = try Endpoint(parsing: text, for: Self.listening)
        #expect(endpoint.description == text)
        #expect(try Endpoint(parsing: endpoint.description, for: Self.listening) == endpoint)
    }

    @Test(arguments: [
        (":80", "127.0.0.1:80", true), (":80", "[::1]:80", true), (":80", "name:80", true),
        (":80", ":81", false),
        ("0.0.0.0:80", "10.0.0.1:80", true), ("0.0.0.0:80", "[::1]:80", false),
        ("0.0.0.0:80", "[::]:80", false),
        ("[::]:80", "[::1]:80", true), ("[::]:80", "10.0.0.1:80", false), ("[::1]:80", "[0:0::1]:80", true),
        ("10.0.0.1:80", "10.0.0.2:80", false), (":0", ":0", false), ("unix:/a", "unix:/a", true),
        ("unix:/a", "unix:/b", false), ("unix:/a", ":80", false),
    ])
    func overlapIsSymmetric(first: String, second: String, expected: Bool) throws {
        let first = try Endpoint(parsing: first, for: Self.listening)
        let second = try Endpoint(parsing: second, for: Self.listening)
        #expect(first.overlaps(second) == expected)
        #expect(second.overlaps(first) == expected)
    }

    @Test func randomTextNeverTraps() {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SplitMix(seed: seed)
        let pieces = [
            "[", "]", ":", "::", "1", "0", "unix:", "/", "%", ".", "a", "é", "\u{301}", "\u{0}", "255", "*",
            " ",
        ]
        for _ in 0..<20_000 {
            let text = (0..<Int.random(in: 0..<8, using: &random)).map { _ in
                pieces[Int.random(in: 0..<pieces.count, using: &random)]
            }.joined()
            for use in [Self.listening, Self.dialling] {
                guard let endpoint = try? Endpoint(parsing: text, for: use) else { continue }
                let again = try? Endpoint(parsing: endpoint.description, for: use)
                #expect(again == endpoint, "seed \(seed): `\(text)`")
            }
        }
    }
}
