import Foundation
import SystemPackage
import Testing

@testable import EventIO

@Suite struct BoundSocketTests {
    @Test func aPortInUseIsRefusedWithItsAddress() throws {
        let first = try BoundSocket(loopback())
        try first.listen()
        let failure = #expect(throws: SystemFailure.self) { try BoundSocket(first.address) }
        #expect(failure?.description == "bind \(first.address): address already in use (EADDRINUSE)")
    }

    @Test func theStalePathOfAKilledProcessIsReplaced() throws {
        let path = NSTemporaryDirectory() + "/sly-stale-\(UUID().uuidString.prefix(8)).sock"
        let address = try #require(SocketAddress(unixPath: path))
        do {
            let left = try BoundSocket(address)
            // As after a killed process: the path remains and nobody listens on it.
            try left.handOver().close()
        }
        #expect(FileManager.default.fileExists(atPath: path))
        let again = try BoundSocket(address)
        try again.listen()
        #expect(throws: SystemFailure.self) { try BoundSocket(address) }
        _ = again
    }

    @Test func freeingASocketRemovesItsPath() throws {
        let path = NSTemporaryDirectory() + "/sly-freed-\(UUID().uuidString.prefix(8)).sock"
        let address = try #require(SocketAddress(unixPath: path))
        do { _ = try BoundSocket(address) }
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test func theWildcardAddressMeansIPv4AndIPv6() throws {
        let endpoint = try Endpoint(parsing: ":7443", for: .listening(barePortHost: ""))
        let addresses = try endpoint.listenAddresses().map(\.description)
        #expect(addresses.first == "0.0.0.0:7443")
        #expect(Set(addresses).isSubset(of: ["0.0.0.0:7443", "[::]:7443"]))
    }
}
