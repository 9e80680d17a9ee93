import EventIO
import ProtocolCoreTesting
import Sallyport
import Synchronization
import Testing

/// Both ends over a wire that forwards bytes in portions of random size and is cut at random.
///
/// All that was sent arrives exactly once and in order.
@Suite struct WireTests {
    /// A wire between a server and a client that dials it.
    ///
    /// The seed determines the sizes of the portions and the cuts. Their timing relative to the bytes is not deterministic.
    private final class Wire: Sendable {
        let address: String
        private let listening: Mutex<BoundSocket?>
        private let links = Mutex<[BlockingSocket]>([])
        private let random: Mutex<SplitMix>
        private let cutsEvery: UInt64

        /// Listens, and forwards connections to the server.
        ///
        /// - Parameters:
        ///   - target: the address of the server.
        ///   - seed: the seed of the random numbers.
        ///   - cutsEvery: the average number of portions after which a link is cut; 0 for no cuts.
        /// - Throws: a system error.
        init(to target: String, seed: UInt64, cutsEvery: UInt64) throws {
            let port = try #require(UInt16(target.split(separator: ":").last ?? ""))
            let there = try #require(SocketAddress(numericHost: "127.0.0.1", port: port))
            let bound = try BoundSocket(try #require(SocketAddress(numericHost: "127.0.0.1", port: 0)))
            try bound.listen()
            address = "\(bound.address)"
            listening = Mutex(bound)
            random = Mutex(SplitMix(seed: seed))
            self.cutsEvery = cutsEvery
            _ = try LoopThread(name: "wire") { [self] in
                guard let bound = listening.withLock({ $0 }) else { return }
                while let near = try? BlockingSocket.accept(at: bound) {
                    guard let far = try? BlockingSocket.connect(to: there) else { return }
                    links.withLock { $0 += [near, far] }
                    for (from, to) in [(near, far), (far, near)] {
                        _ = try? LoopThread(name: "wire-copy") { [self] in copy(from, to) }
                    }
                }
            }
        }

        private func draw(below bound: UInt64) -> UInt64 {
            random.withLock { $0.next() % bound }
        }

        private func copy(_ from: BlockingSocket, _ to: BlockingSocket) {
            withUnsafeTemporaryAllocation(byteCount: 65536, alignment: 16) { space in
                while true {
                    // From a single byte to all available bytes.
                    let most = 1 << Int(draw(below: 17))
                    let portion = UnsafeMutableRawBufferPointer(rebasing: space[..<most])
                    guard let count = try? from.read(into: portion), count > 0 else { break }
                    let isLast = cutsEvery > 0 && draw(below: cutsEvery) == 0
                    // A part of the last portion is lost.
                    let kept = isLast ? Int(draw(below: UInt64(count))) : count
                    guard (try? to.write(UnsafeRawBufferPointer(rebasing: space[..<kept]))) != nil, !isLast
                    else { break }
                }
            }
            from.shutdownWriting()
            to.shutdownWriting()
        }
    }

    private func random(_ seed: UInt64, _ count: Int) -> [UInt8] {
        var random = SplitMix(seed: seed)
        return (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    }

    @Test(arguments: [(1, 0), (2, 0), (3, 40), (4, 40), (5, 400), (6, 400)] as [(UInt64, UInt64)])
    func everythingSentArrivesOnceAndInOrder(seed: UInt64, cutsEvery: UInt64) async throws {
        let party = try await Party()
        let film = random(seed, 400_000)
        party.server.answer("double") { packet, _ in "\((Int(packet.text ?? "") ?? -1) * 2)" }
        party.server.answer("echo") { packet, _ in packet.payload }
        party.server.answer(chunksOf: "chunks") { packet, _ in
            var all: [UInt8] = []
            for try await chunk in packet.chunks { all += chunk }
            return .bytes(all)
        }
        party.server.serve("stream", with: ByteStream.echo)
        let wire = try Wire(to: party.address, seed: seed, cutsEvery: cutsEvery)
        let (client, there) = try await connect(to: wire, of: party)
        client.answer("who") { _, _ in "a client" }
        try await withThrowingTaskGroup { group in
            group.addTask { for number in 0..<1500 { try await client.send("count", "\(number)") } }
            group.addTask {
                for number in 0..<1500 {
                    let packet = try await there.inbox.next("count", timeout: .seconds(60))
                    #expect(packet.text == "\(number)")
                }
            }
            group.addTask { for number in 0..<1500 { try await there.send("back", "\(number)") } }
            group.addTask {
                for number in 0..<1500 {
                    let packet = try await client.inbox.next("back", timeout: .seconds(60))
                    #expect(packet.text == "\(number)")
                }
            }
            for worker in 0..<4 {
                group.addTask {
                    for number in 0..<60 {
                        let answer = try await client.request("double", "\(number + worker)")
                        #expect(answer.text == "\((number + worker) * 2)")
                    }
                }
            }
            group.addTask {
                for _ in 0..<60 {
                    let answer = try await there.request("who")
                    #expect(answer.text == "a client")
                }
            }
            for action in ["echo", "chunks"] {
                group.addTask {
                    let answer = try await client.request(action, .bytes(film))
                    #expect(answer.bytes == film)
                }
            }
            group.addTask {
                let stream = try await client.openStream("stream")
                async let answer = stream.readToEnd()
                try await stream.write(film)
                stream.finish()
                #expect(try await answer == film)
            }
            try await group.waitForAll()
        }
        #expect(client.isOpen && there.isOpen)
        #expect(client.inbox.count == 0 && there.inbox.count == 0)
        await client.close()
        await party.server.stop()
    }

    /// Connects over the wire.
    ///
    /// The wire may be cut during the login, so it tries up to 50 times.
    private func connect(
        to wire: Wire,
        of party: Party
    ) async throws -> (client: Connection, server: Connection) {
        var last: (any Error)?
        for _ in 0..<50 {
            do {
                let client = try await MessageClient.connect(to: wire.address, as: Party.alice.get())
                // The attempts that were cut have left no open connection at the server.
                let there = try #require(party.server.connections.last { $0.isOpen })
                return (client, there)
            } catch let error as SallyportError {
                last = error
            }
        }
        throw try #require(last)
    }
}
