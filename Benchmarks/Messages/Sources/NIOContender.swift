import Foundation
import NIOCore
import NIOPosix
import NIOSSL

/// SwiftNIO with TLS 1.3 and length-prefixed frames, used from tasks as its documentation shows.
final class NIOContender: LocalContender {
    let name = "swift-nio-ssl"
    private typealias Duplex = NIOAsyncChannel<ByteBuffer, ByteBuffer>

    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
    private let port: Int
    private let clientContext: NIOSSLContext

    init() async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("messages-\(UUID())").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let (key, certificate) = (folder + "/key.pem", folder + "/cert.pem")
        let openssl = Process()
        openssl.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
        openssl.arguments = [
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
            "/CN=localhost", "-days", "2", "-keyout", key, "-out", certificate,
        ]
        openssl.standardError = FileHandle.nullDevice
        try openssl.run()
        openssl.waitUntilExit()
        let chain = try NIOSSLCertificate.fromPEMFile(certificate)
        var server = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) },
            privateKey: .privateKey(try NIOSSLPrivateKey(file: key, format: .pem))
        )
        server.minimumTLSVersion = .tlsv13
        let context = try NIOSSLContext(configuration: server)
        var client = TLSConfiguration.makeClientConfiguration()
        client.minimumTLSVersion = .tlsv13
        client.certificateVerification = .noHostnameVerification
        client.trustRoots = .certificates(chain)
        clientContext = try NIOSSLContext(configuration: client)

        let listener = try await ServerBootstrap(group: group)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.socketOption(.tcp_nodelay), value: 1)
            .bind(host: "127.0.0.1", port: 0) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: context))
                    return try Self.duplex(channel)
                }
            }
        port = listener.channel.localAddress?.port ?? 0
        Task {
            try await listener.executeThenClose { streams in
                for try await stream in streams { Task { try await Self.serve(stream) } }
            }
        }
    }

    private static func duplex(_ channel: any Channel) throws -> Duplex {
        try channel.pipeline.syncOperations.addHandler(ByteToMessageHandler(FrameDecoder()))
        try channel.pipeline.syncOperations.addHandler(MessageToByteHandler(FrameEncoder()))
        return try NIOAsyncChannel(wrappingChannelSynchronously: channel)
    }

    /// Answers the messages whose first byte is not 0.
    private static func serve(_ stream: Duplex) async throws {
        try await stream.executeThenClose { inbound, outbound in
            for try await message in inbound
            where message.getInteger(at: message.readerIndex, as: UInt8.self) != 0 {
                try await outbound.write(message)
            }
        }
    }

    private func connect() async throws -> Duplex {
        let context = clientContext
        return try await ClientBootstrap(group: group)
            .channelOption(.socketOption(.tcp_nodelay), value: 1)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    let tls = try NIOSSLClientHandler(context: context, serverHostname: nil)
                    try channel.pipeline.syncOperations.addHandler(tls)
                    return try Self.duplex(channel)
                }
            }
    }

    private static func message(_ first: UInt8, _ size: Int) -> ByteBuffer {
        var message = ByteBuffer(repeating: 7, count: size)
        message.setInteger(first, at: 0)
        return message
    }

    func send(size: Int, count: Int) async throws {
        try await connect().executeThenClose { inbound, outbound in
            let message = Self.message(0, size)
            for _ in 1..<count { try await outbound.write(message) }
            // The server answers the last message, which shows that all have arrived.
            try await outbound.write(Self.message(1, size))
            for try await _ in inbound { return }
        }
    }

    func ask(inFlight: Int, count: Int) async throws {
        try await connect().executeThenClose { inbound, outbound in
            // One task writes the requests. Each answer releases a ticket for the next request, so `inFlight` are in flight.
            let (tickets, source) = AsyncStream.makeStream(of: Void.self)
            for _ in 0..<inFlight { source.yield() }
            let message = Self.message(1, 64)
            async let writing: Void = {
                var sent = 0
                for await _ in tickets {
                    try await outbound.write(message)
                    sent += 1
                    if sent == count { return }
                }
            }()
            var answered = 0
            for try await _ in inbound {
                answered += 1
                source.yield()
                if answered == count { break }
            }
            source.finish()
            try await writing
        }
    }
}

private struct FrameDecoder: ByteToMessageDecoder {
    typealias InboundOut = ByteBuffer

    mutating func decode(context: ChannelHandlerContext, buffer: inout ByteBuffer) -> DecodingState {
        guard let frame = buffer.readLengthPrefixedSlice(as: UInt32.self) else { return .needMoreData }
        context.fireChannelRead(wrapInboundOut(frame))
        return .continue
    }
}

private struct FrameEncoder: MessageToByteEncoder {
    typealias OutboundIn = ByteBuffer

    func encode(data: ByteBuffer, out: inout ByteBuffer) {
        out.writeInteger(UInt32(data.readableBytes))
        out.writeImmutableBuffer(data)
    }
}
