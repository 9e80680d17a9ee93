import EventIO
import Foundation
import SystemPackage
import Testing
import Vocabulary

@testable import Tunnel

@Suite struct ListenerSetTests {
    private static let anyPort = Endpoint.tcp(host: "127.0.0.1", port: 0)

    /// A configuration that listens at these addresses.
    private func configuration(
        links: [Endpoint] = [],
        routes: [(name: String, accept: [Endpoint])] = []
    ) throws -> TunnelConfiguration {
        let peer = PeerConfiguration(
            name: "office",
            addresses: [.tcp(host: "example.com", port: 7443)],
            user: .placeholder,
            password: .file(path: "/etc/password")
        )
        let service = ServiceConfiguration(name: "web", targets: [.tcp(host: "127.0.0.1", port: 80)])
        let server = ServerConfiguration(listen: links, passwordFile: "/etc/passwords")
        return try TunnelConfiguration(
            server: links.isEmpty ? nil : server,
            services: links.isEmpty ? [] : [service],
            peers: routes.isEmpty ? [] : [peer],
            routes: routes.map { RouteConfiguration(name: $0.name, accept: $0.accept, peer: "office") }
        )
    }

    private func freePath() -> String {
        NSTemporaryDirectory() + "/sly-set-\(UUID().uuidString.prefix(8)).sock"
    }

    private func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

    @Test func everyAddressIsBoundAndKnownByItsPurpose() throws {
        let path = freePath()
        var set = try ListenerSet(
            configuration(
                links: [Self.anyPort],
                routes: [("web", [Self.anyPort, .unix(path: path)]), ("mail", [Self.anyPort])]
            )
        )
        let links = set.addresses(of: .links)
        let web = set.addresses(of: .route(RouteName("web")))
        let mail = set.addresses(of: .route(RouteName("mail")))
        #expect(links.count == 1 && web.count == 2 && mail.count == 1)
        #expect(web.last?.description == "unix:\(path)")
        let ports = Set([links[0].port, web[0].port, mail[0].port])
        #expect(ports.count == 3 && !ports.contains(0))
        #expect(set.addresses(of: .route(RouteName("other"))).isEmpty)
        #expect(exists(path))
        set.close()
        #expect(set.addresses(of: .links).isEmpty)
    }

    @Test func listenersAreDealtOutInTurnForEachKind() throws {
        let set = try ListenerSet(
            configuration(
                links: [Self.anyPort, Self.anyPort, Self.anyPort],
                routes: [("a", [Self.anyPort]), ("b", [Self.anyPort])]
            )
        )
        let dealt = set.assignments(to: 2).map { $0.map(\.purpose) }
        #expect(dealt == [[.links, .links, .route(RouteName("a"))], [.links, .route(RouteName("b"))]])
        #expect(set.assignments(to: 1).map(\.count) == [5])
        #expect(set.assignments(to: 4).map(\.count) == [2, 2, 1, 0])
    }

    @Test func aWorkerListensAtAllAddressesOfARoute() throws {
        let set = try ListenerSet(configuration(routes: [("a", [Self.anyPort, Self.anyPort])]))
        let dealt = set.assignments(to: 2)
        #expect(dealt[0].first?.sockets.map(\.address) == set.addresses(of: .route(RouteName("a"))))
        #expect(dealt[1].isEmpty)
    }

    @Test func anAddressInUseIsNamedAndNothingStaysBound() throws {
        let occupant = try BoundSocket(
            try #require(SocketAddress(numericHost: "127.0.0.1", port: 0))
        )
        try occupant.listen()
        let path = freePath()
        let taken = Endpoint.tcp(host: "127.0.0.1", port: occupant.address.port)
        let configuration = try configuration(routes: [("a", [.unix(path: path)]), ("b", [taken])])
        let failure = #expect(throws: SystemFailure.self) { try ListenerSet(configuration) }
        #expect(failure?.description == "bind \(occupant.address): address already in use (EADDRINUSE)")
        #expect(!exists(path))
    }

    @Test func aSocketStaysOpenAsLongAsAWorkerHasIt() throws {
        let path = freePath()
        var set = try ListenerSet(configuration(routes: [("a", [.unix(path: path)])]))
        var dealt = set.assignments(to: 1)
        set.close()
        #expect(exists(path))
        try dealt[0][0].sockets[0].listen()
        _ = try BlockingSocket.connect(to: dealt[0][0].sockets[0].address)
        dealt = []
        #expect(!exists(path), "nobody has taken it over")
    }

    @Test func theDuplicatesAcceptAfterTheSetAndItsWorkersHaveLetGo() throws {
        let path = freePath()
        var set = try ListenerSet(
            configuration(links: [Self.anyPort], routes: [("a", [.unix(path: path)])])
        )
        var dealt = set.assignments(to: 1)
        for socket in dealt[0].flatMap(\.sockets) { try socket.listen() }
        let handed = try set.handOver()
        #expect(handed.map(\.purpose) == [.links, .route(RouteName("a"))])
        #expect(
            handed.map(\.address) == set.addresses(of: .links) + set.addresses(of: .route(RouteName("a")))
        )
        set.close()
        dealt = []
        #expect(exists(path))
        for listener in handed {
            let successor = try BoundSocket(adopting: listener.file)
            #expect(successor.address == listener.address)
            let visitor = try BlockingSocket.connect(to: listener.address)
            let accepted = try BlockingSocket.accept(at: successor)
            visitor.shutdownWriting()
            var byte: UInt8 = 0
            #expect(try withUnsafeMutableBytes(of: &byte) { try accepted.read(into: $0) } == 0)
        }
        #expect(!exists(path), "the successor owned it")
    }

    @Test func aVisitorWhoCameBeforeTheHandOverIsAcceptedByTheSuccessor() throws {
        var set = try ListenerSet(configuration(routes: [("a", [Self.anyPort])]))
        try set.assignments(to: 1)[0][0].sockets[0].listen()
        let visitor = try BlockingSocket.connect(to: set.addresses(of: .route(RouteName("a")))[0])
        let handed = try set.handOver()
        set.close()
        let successor = try BoundSocket(adopting: try #require(handed.first).file)
        let accepted = try BlockingSocket.accept(at: successor)
        try Array("hello".utf8).withUnsafeBytes { try visitor.write($0) }
        var bytes = [UInt8](repeating: 0, count: 16)
        let count = try bytes.withUnsafeMutableBytes { try accepted.read(into: $0) }
        #expect(bytes.prefix(count) == Array("hello".utf8).prefix(count) && count > 0)
    }

    @Test func aProcessThatGoesOnAfterAHandOverStillAccepts() throws {
        let set = try ListenerSet(configuration(routes: [("a", [Self.anyPort])]))
        let socket = set.assignments(to: 1)[0][0].sockets[0]
        try socket.listen()
        for listener in try set.handOver() { try listener.file.close() }
        let visitor = try BlockingSocket.connect(to: socket.address)
        _ = try BlockingSocket.accept(at: socket)
        visitor.shutdownWriting()
    }
}
