import Basics
import CryptoPrimitives
import EventIO
import Glibc
import ProtocolCoreTesting
import Testing
import Vocabulary
import WireCoding

@testable import ProtocolCore
@testable import SecureLink

/// A session on a real loop and socket, with a peer that the test controls.
///
/// The peer sends any bytes, sealed with the right keys or not sealed. Everything runs on the thread that created this object.
final class HandMadePeer {
    let loop: EventLoop
    let session: PeerSession
    /// The owner of the session, which records its notices.
    let owner = RecordingOwner()
    private let environment: LinkEnvironment
    private let descriptor: Int32
    private var sealing: DirectionKeys

    init() throws {
        loop = try EventLoop()
        environment = try .forTests(loop)
        let (end, descriptor) = try LinkEnvironment.rawSocketPair()
        self.descriptor = descriptor
        let secrets = try SessionSecrets.forTests()
        let socket = StreamSocket(end, loop: loop)
        session = try environment.session(.server, socket, secrets)
        sealing = try DirectionKeys(
            secret: secrets.client,
            suite: .encrypted,
            limits: .standard,
            makeCipher: recordCiphers(by: .libcrypto)
        )
        session.owner = owner
        try socket.start(session)
        session.start(received: [])
    }

    deinit {
        close(descriptor)
    }

    /// Seals these frames as a record.
    func record(_ frames: [UInt8]...) throws -> [UInt8] {
        try sealing.sealed(frames.flatMap { $0 })
    }

    /// Sends bytes unchanged.
    ///
    /// - Returns: the number of bytes that the session's socket has taken.
    @discardableResult
    func say(_ bytes: [UInt8]) -> Int {
        max(0, bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) })
    }

    /// Runs the loop for this time.
    func run(for duration: Duration) {
        let timer = LoopTimer(loop) { [unowned loop] in loop.stop() }
        loop.refreshTime()
        timer.schedule(after: duration)
        loop.run()
    }
}

/// An endpoint that records the calls of its session, and reads delivered bytes as late as it may.
final class RecordingEndpoint: StreamEndpoint {
    private(set) var delivered: [UInt8] = []
    private(set) var end: SessionEnd?
    private(set) var deliveries = 0
    private var batch: [UnsafeRawBufferPointer] = []

    func fill(_ segments: UnsafeMutableBufferPointer<MemorySegment>) -> StreamFill { StreamFill(0, .drained) }

    func receive(_ bytes: UnsafeRawBufferPointer) -> Bool {
        batch.append(bytes)
        return true
    }

    func deliver() {
        deliveries += 1
        for bytes in batch { delivered += bytes }
        batch = []
    }

    func receiveEnd() {}
    func targetAnswered(_ failure: StreamFailure?) {}
    func streamReset(_ failure: StreamFailure) {}

    func sessionEnded(_ end: SessionEnd) {
        deliver()
        self.end = end
    }
}

/// Gives every stream a recording endpoint and records the notices of the session.
final class RecordingOwner: PeerSessionOwner {
    private(set) var streams: [(stream: LinkStream, endpoint: RecordingEndpoint)] = []
    private(set) var end: SessionEnd?
    private(set) var detachments: [LinkFault] = []
    private(set) var resumptions = 0

    func session(
        _ session: PeerSession,
        opened stream: LinkStream,
        for request: StreamRequest
    ) -> (any StreamEndpoint)? {
        let endpoint = RecordingEndpoint()
        streams.append((stream, endpoint))
        return endpoint
    }

    func session(_ session: PeerSession, _ notice: SessionNotice) {
        switch notice {
        case .goesAway, .measured: break
        case .detached(let fault): detachments.append(fault)
        case .resumed: resumptions += 1
        case .ended(let end): self.end = end
        }
    }
}
