import Glibc
import Sallyport
import SystemPackage
import Testing

/// Connections over descriptors that the application supplies.
@Suite struct DescriptorTests {
    private func pair() throws -> (Int32, Int32) {
        var ends: [Int32] = [-1, -1]
        try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
        return (ends[0], ends[1])
    }

    /// The inode of a descriptor: other tests may reuse the number of a closed one.
    private func inode(_ descriptor: Int32) -> UInt? {
        var status = stat()
        return fstat(descriptor, &status) == 0 ? UInt(status.st_ino) : nil
    }

    @Test func clientAndServerConnectOverASocketPair() async throws {
        let path = "/tmp/sallyport-tests-\(UInt64.random(in: 0 ..< .max))"
        try await Passwords.set("alice", "correct horse", in: path)
        defer { unlink(path) }
        let server = try await MessageServer.start(on: nil, passwords: Passwords(file: path))
        #expect(server.addresses.isEmpty)
        server.answer("greet") { packet, _ in "hello \(packet.sender)" }
        let (ours, theirs) = try pair()
        let (our, their) = (inode(ours), inode(theirs))
        try server.accept(FileDescriptor(rawValue: theirs))
        let login = try Login(user: "alice", password: "correct horse")
        let client = try await MessageClient.connect(over: FileDescriptor(rawValue: ours), as: login)
        #expect(try await client.request("greet").text == "hello alice")
        let long = [UInt8](repeating: 7, count: 5_000_000)
        server.answer("count") { packet, _ in "\(packet.payload.bytes.count)" }
        #expect(try await client.request("count", .bytes(long)).text == "5000000")
        let there = try #require(server.connections.first)
        await client.close("enough")
        try await eventually("the server's end is over") { !there.isOpen }
        try await eventually("both are closed") { inode(ours) != our && inode(theirs) != their }
        await server.stop()
    }

    @Test func aListeningServerAlsoAcceptsDescriptors() async throws {
        let party = try await Party()
        let (ours, theirs) = try pair()
        try party.server.accept(FileDescriptor(rawValue: theirs))
        let client = try await MessageClient.connect(
            over: FileDescriptor(rawValue: ours),
            as: Party.alice.get()
        )
        let (other, _) = try await party.connect()
        #expect(party.server.connections.count == 2)
        await client.close()
        await other.close()
        await party.server.stop()
    }

    @Test func aConnectionOverADescriptorEndsWithItsLink() async throws {
        let party = try await Party()
        let (ours, theirs) = try pair()
        try party.server.accept(FileDescriptor(rawValue: theirs))
        let client = try await MessageClient.connect(
            over: FileDescriptor(rawValue: ours),
            as: Party.alice.get()
        )
        let there = try #require(party.server.connections.first)
        shutdown(ours, Int32(SHUT_RDWR))
        try await eventually("both ends know") { !client.isOpen && !there.isOpen }
        #expect(client.endReason?.code == .linkLost)
        #expect(there.endReason?.code == .linkLost)
        await party.server.stop()
    }

    @Test func aDescriptorThatIsRefusedStaysOpen() async throws {
        let party = try await Party()
        let file = open("/dev/null", O_RDONLY)
        let unconnected = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        let datagrams = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        for descriptor in [file, unconnected, datagrams] {
            let before = try #require(inode(descriptor))
            await expectError(.invalidArgument) {
                try party.server.accept(FileDescriptor(rawValue: descriptor))
            }
            await expectError(.invalidArgument) {
                try await MessageClient.connect(
                    over: FileDescriptor(rawValue: descriptor),
                    as: Party.alice.get()
                )
            }
            #expect(inode(descriptor) == before)
            close(descriptor)
        }
        await expectError(.invalidArgument) { try party.server.accept(FileDescriptor(rawValue: -1)) }
        await party.server.stop()
        let (ours, theirs) = try pair()
        let their = inode(theirs)
        await expectError(.closed) { try party.server.accept(FileDescriptor(rawValue: theirs)) }
        #expect(inode(theirs) == their)
        close(ours)
        close(theirs)
    }

    @Test func connectingOverASilentDescriptorTimesOut() async throws {
        let (ours, theirs) = try pair()
        let our = inode(ours)
        var options = ConnectionOptions()
        options.connectTimeout = .milliseconds(200)
        await expectError(.timeout) {
            try await MessageClient.connect(
                over: FileDescriptor(rawValue: ours),
                as: Party.alice.get(),
                options: options
            )
        }
        try await eventually("it is closed") { inode(ours) != our }
        close(theirs)
        let (silent, gone) = try pair()
        close(gone)
        await expectError(.cannotConnect) {
            try await MessageClient.connect(over: FileDescriptor(rawValue: silent), as: Party.alice.get())
        }
    }
}
