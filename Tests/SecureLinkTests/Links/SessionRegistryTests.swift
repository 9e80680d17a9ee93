import CryptoPrimitives
import EventIO
import ProtocolCoreTesting
import Synchronization
import Testing

@testable import ProtocolCore
@testable import SecureLink

/// Which requests the registry admits, and which sessions it ends to make room.
@Suite struct SessionRegistryTests {
    /// The calls that the loops of sessions received.
    private final class Calls: Sendable {
        private let calls = Mutex<[SessionCall]>([])

        var home: SessionRegistry.Home { { call in self.calls.withLock { $0.append(call) } } }
        var expired: [SessionID] { calls.withLock { $0.map(\.session) } }
    }

    private static func proof(_ number: UInt8) throws -> SessionProof {
        let id = try #require([UInt8](repeating: number, count: 16).withUnsafeBytes { SessionID($0) })
        return SessionProof(
            id: id,
            suite: .encrypted,
            client: SecretBytes([UInt8](repeating: number &+ 1, count: 64)),
            server: SecretBytes([UInt8](repeating: number &+ 2, count: 64))
        )
    }

    private static func request(_ proof: SessionProof, attempt: UInt64) throws -> ResumptionRequest {
        let hello = ClientResumption(
            proof,
            attempt: attempt,
            received: 0,
            random: [UInt8](repeating: 9, count: 32)
        )
        let read = try hello.message.withUnsafeBytes { try ClientHello(frame: $0) }
        guard case .resume(let request) = read.request else { throw HandshakeFault.unexpectedMessage }
        return request
    }

    @Test func aHelloIsAdmittedOnlyIfItIsProvedAndNew() throws {
        let registry = try SessionRegistry()
        let calls = Calls()
        let proof = try Self.proof(1)
        registry.add(proof, user: "alice", home: calls.home)
        #expect(registry.admit(try Self.request(proof, attempt: 1)) != nil)
        #expect(registry.admit(try Self.request(proof, attempt: 1)) == nil)
        #expect(registry.admit(try Self.request(proof, attempt: 3)) != nil)
        #expect(registry.admit(try Self.request(proof, attempt: 2)) == nil)
        let forged = SessionProof(id: proof.id, suite: .encrypted, client: proof.server, server: proof.client)
        #expect(registry.admit(try Self.request(forged, attempt: 9)) == nil)
        // A forged attempt does not use up its number.
        #expect(registry.admit(try Self.request(proof, attempt: 4)) != nil)
        #expect(registry.admit(try Self.request(Self.proof(2), attempt: 1)) == nil)
        registry.remove(proof.id)
        #expect(registry.admit(try Self.request(proof, attempt: 10)) == nil)
    }

    @Test func aUserWithTooManyWaitingSessionsLosesTheOldest() throws {
        let registry = try SessionRegistry()
        let calls = Calls()
        let alices = try (0..<66).map { try Self.proof(UInt8($0)) }
        let bobs = try Self.proof(200)
        registry.add(bobs, user: "bob", home: calls.home)
        registry.detached(bobs.id, at: .seconds(1))
        for proof in alices { registry.add(proof, user: "alice", home: calls.home) }
        for (index, proof) in alices.prefix(64).enumerated() {
            registry.detached(proof.id, at: .seconds(1000 - index))
        }
        #expect(calls.expired.isEmpty)
        #expect(registry.detachedCount == 65)
        // A session with a link again does not count.
        registry.attached(alices[10].id)
        registry.detached(alices[64].id, at: .seconds(2000))
        #expect(calls.expired.isEmpty)
        registry.detached(alices[65].id, at: .seconds(2001))
        #expect(calls.expired == [alices[63].id])
        registry.remove(alices[63].id)
        #expect(registry.detachedCount == 65)
    }

    @Test func ifMemoryIsShortTheSessionThatHasWaitedLongestEnds() throws {
        let registry = try SessionRegistry()
        let calls = Calls()
        let proofs = try (0..<4).map { try Self.proof(UInt8($0)) }
        for (index, proof) in proofs.enumerated() {
            registry.add(proof, user: "user\(index)", home: calls.home)
            if index > 0 { registry.detached(proof.id, at: .seconds(100 - index)) }
        }
        #expect(registry.expireOldest())
        #expect(registry.expireOldest())
        #expect(registry.expireOldest())
        #expect(!registry.expireOldest())
        #expect(calls.expired == [proofs[3].id, proofs[2].id, proofs[1].id])
    }
}
