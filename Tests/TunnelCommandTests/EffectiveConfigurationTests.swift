import ConfigurationFile
import EventIO
import Platform
import ProtocolCoreTesting
import Testing
import Tunnel
import Vocabulary

@testable import TunnelCommand

@Suite struct EffectiveConfigurationTests {
    private func decode(_ text: String) -> (configuration: TunnelConfiguration?, diagnostics: [Diagnostic]) {
        var surroundings = ConfigurationSurroundings.isolated
        // A different folder and machine from those that the configuration was made on.
        surroundings.currentFolder = "/somewhere/else"
        surroundings.machine = MachineSize(cores: 1, memory: 1 << 30)
        let (document, faults) = Parser.parse(SourceFile(name: "effective.conf", text: text))
        return ConfigurationDecoding.decode([document], earlier: faults, in: surroundings)
    }

    @Test func theTextOfAnyConfigurationIsReadBackToAnEqualOne() throws {
        let seed = UInt64.random(in: 0 ... .max)
        var random = RandomConfiguration(seed: seed)
        for number in 0..<500 {
            let configuration = try random.configuration()
            let text = EffectiveConfiguration(configuration).description
            let (again, diagnostics) = decode(text)
            guard again == configuration else {
                let told = diagnostics.map(\.description).joined(separator: "\n")
                Issue.record(
                    "seed \(seed), number \(number): the text is read as something else\n\(text)\n\(told)"
                )
                return
            }
        }
    }

    @Test func everyKeyIsVisible() throws {
        var random = RandomConfiguration(seed: 1)
        var keys: Set<String> = []
        for _ in 0..<50 {
            let text = EffectiveConfiguration(try random.configuration()).description
            let (document, _) = Parser.parse(SourceFile(name: "effective.conf", text: text))
            keys.formUnion((document.globals + document.sections.flatMap(\.entries)).map(\.key))
        }
        #expect(keys == Set(ConfigurationKey.all.map(\.name)).subtracting(["include"]))
    }
}

/// A generator of random valid configurations of all shapes.
private struct RandomConfiguration {
    private var random: SplitMix
    private var nextPort: UInt16 = 1

    init(seed: UInt64) {
        random = SplitMix(seed: seed)
    }

    mutating func configuration() throws -> TunnelConfiguration {
        nextPort = 1
        let peers = (0..<number(0...3)).map { peer("peer-\($0)") }
        let routes = peers.isEmpty ? [] : (0..<number(0...4)).map { route("Route.\($0)", peers) }
        let server = routes.isEmpty || chance() ? server() : nil
        let services = server == nil ? [] : (0..<number(0...3)).map { service("service_\($0)") }
        return try TunnelConfiguration(
            workers: number(TunnelConfiguration.workersRange),
            busyPoll: chance(),
            limits: ProcessLimits(
                maxStreams: number(ProcessLimits.maxStreamsRange),
                maxLinks: number(ProcessLimits.maxLinksRange),
                maxHandshakes: number(ProcessLimits.maxHandshakesRange),
                memory: number(ProcessLimits.memoryRange)
            ),
            drainTimeout: duration(TunnelConfiguration.drainTimeoutRange),
            log: LogSettings(
                level: element(LogSettings.Level.allCases),
                format: element(LogSettings.Format.allCases),
                destination: chance() ? .standardError : .file(path: path())
            ),
            server: server,
            services: services,
            peers: peers,
            routes: routes
        )
    }

    private mutating func server() -> ServerConfiguration {
        ServerConfiguration(listen: listeners(), passwordFile: path(), link: link())
    }

    private mutating func service(_ name: String) -> ServiceConfiguration {
        ServiceConfiguration(
            name: name,
            targets: (0..<number(1...3)).map { _ in target() },
            failover: element(Failover.allCases),
            allow: chance() ? nil : (0..<number(1...3)).map { _ in userName() },
            stream: stream()
        )
    }

    private mutating func peer(_ name: String) -> PeerConfiguration {
        PeerConfiguration(
            name: name,
            addresses: (0..<number(1...3)).map { _ in target() },
            failover: element(Failover.allCases),
            user: (try? Identity(user: userName(), passwordNumber: UInt8(number(1...255)))) ?? .placeholder,
            password: chance() ? .file(path: path()) : .environment(name: text(1...20)),
            realm: chance() ? nil : text(1...60),
            links: chance() ? .automatic : .fixed(number(LinkCount.fixedRange)),
            link: link(),
            connectTimeout: duration(StreamSettings.connectTimeoutRange)
        )
    }

    private mutating func route(_ name: String, _ peers: [PeerConfiguration]) -> RouteConfiguration {
        RouteConfiguration(
            name: name,
            accept: listeners(),
            peer: element(peers.map(\.name)),
            service: chance() ? nil : "other",
            share: chance(),
            stream: stream()
        )
    }

    private mutating func link() -> LinkSettings {
        let chunk = number(LinkSettings.chunkRange)
        let interval = duration(LinkSettings.Keepalive.intervalRange)
        let initial = number(LinkSettings.Window.range)
        return LinkSettings(
            handshakeTimeout: duration(LinkSettings.handshakeTimeoutRange),
            keepalive: .init(
                interval: interval,
                dead: interval + duration(.seconds(1)...(.seconds(3600) - interval))
            ),
            chunk: chunk,
            maxRecord: number(chunk...LinkSettings.maxRecordRange.upperBound),
            window: .init(initial: initial, maximum: number(initial...LinkSettings.Window.range.upperBound))
        )
    }

    private mutating func stream() -> StreamSettings {
        StreamSettings(
            connectTimeout: duration(StreamSettings.connectTimeoutRange),
            idleTimeout: chance() ? nil : duration(StreamSettings.idleTimeoutRange),
            halfCloseTimeout: chance() ? nil : duration(StreamSettings.halfCloseTimeoutRange)
        )
    }

    private mutating func listeners() -> [Endpoint] {
        (0..<number(1...3)).map { _ in
            nextPort += 1
            return switch number(0...3) {
            case 0: .tcp(host: "", port: nextPort)
            case 1: .tcp(host: "127.0.0.1", port: nextPort)
            case 2: .tcp(host: "fe80::1%eth0", port: nextPort)
            default: .unix(path: "/run/\(nextPort)\(text(1...20))")
            }
        }
    }

    private mutating func target() -> Endpoint {
        switch number(0...2) {
        case 0: .tcp(host: "host-\(number(0...9)).example.com", port: UInt16(number(1...65535)))
        case 1: .tcp(host: "2001:db8::1", port: UInt16(number(1...65535)))
        default: .unix(path: "/run/" + text(1...20))
        }
    }

    // MARK: - Values

    private mutating func number(_ range: ClosedRange<Int>) -> Int {
        Int.random(in: range, using: &random)
    }

    private mutating func chance() -> Bool {
        Bool.random(using: &random)
    }

    private mutating func element<Element>(_ elements: [Element]) -> Element {
        elements[number(0...(elements.count - 1))]
    }

    private mutating func duration(_ range: ClosedRange<Duration>) -> Duration {
        let milliseconds = { (duration: Duration) in Int(duration / .milliseconds(1)) }
        let low = milliseconds(range.lowerBound)
        let high = milliseconds(range.upperBound)
        // Also whole minutes, which are written with another unit.
        let value = number(low...high)
        let rounded = value / 60_000 * 60_000
        return .milliseconds(chance() && rounded >= low ? rounded : value)
    }

    private mutating func path() -> String {
        "/" + text(1...30)
    }

    private mutating func userName() -> String {
        String(text(1...20).map { " ,\"/".contains($0) ? "_" : $0 })
    }

    /// Random text of characters that a value can hold, mostly awkward ones.
    private mutating func text(_ length: ClosedRange<Int>) -> String {
        let pieces = Array("abcXYZ019 ,;#\"\\='%$[]/.:@é名\u{1F600}")
        return String((0..<number(length)).map { _ in element(pieces) }).replacing("=", with: "")
            + "x"
    }
}
