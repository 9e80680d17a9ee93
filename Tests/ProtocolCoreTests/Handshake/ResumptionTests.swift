import CryptoPrimitives
import ProtocolCoreTesting
import Testing

@testable import ProtocolCore

/// The two messages that resume a session on another link.
@Suite struct ResumptionTests {
    let file: VectorFile
    let proof: SessionProof

    init() throws {
        file = try VectorFile("../Vectors/protocol-vectors.json")
        let id = try file.bytes("reattach/session_id").withUnsafeBytes { SessionID($0) }
        proof = SessionProof(
            id: try #require(id),
            suite: .encrypted,
            client: try file.secret("reattach/ra_c"),
            server: try file.secret("reattach/ra_s")
        )
    }

    private func client(attempt: UInt64 = 1, received: UInt64 = 1) throws -> ClientResumption {
        ClientResumption(
            proof,
            attempt: attempt,
            received: received,
            random: try file.bytes("reattach/client_random")
        )
    }

    /// The request that a server reads from a hello.
    private func request(_ message: [UInt8]) throws -> ResumptionRequest {
        var server = HandshakeRun(try People()).makeServer()
        guard case .resume(let request) = try server.feed(message) else {
            throw HandshakeFault.unexpectedMessage
        }
        return request
    }

    private func answer(received: UInt64 = 3) throws -> [UInt8] {
        try request(client().message).answer(
            with: proof,
            received: received,
            random: file.bytes("reattach/server_random")
        )
    }

    @Test func bothMessagesAreThoseOfTheVector() throws {
        let client = try client()
        #expect(try client.message.hex == file.text("reattach/ClientHello"))
        let request = try request(client.message)
        #expect(request.session == proof.id && request.attempt == 1 && request.received == 1)
        #expect(request.isProved(by: proof))
        let answer = try answer()
        #expect(try answer.hex == file.text("reattach/ServerHello"))
        #expect(client.message.count == 151 && answer.count == 126)
    }

    @Test func theAnswerIsReadInAnyPortionsAndWithoutTheBytesAfterIt() throws {
        let client = try client()
        let answer = try answer(received: 0x0102_0304_0506_0708)
        for count in 0..<answer.count {
            let part = try answer.prefix(count).withUnsafeBytes { try client.receive($0) }
            #expect(part == nil)
        }
        let records: [UInt8] = [0xD1, 0, 0]
        let whole = try (answer + records).withUnsafeBytes { try client.receive($0) }
        #expect(whole?.consumed == answer.count)
        #expect(whole?.received == 0x0102_0304_0506_0708)
    }

    @Test func aHelloWithAFlippedBitProvesNothing() throws {
        let message = try client().message
        for index in message.indices {
            for bit in 0..<8 {
                var copy = message
                copy[index] ^= 1 << UInt8(bit)
                guard let request = try? request(copy) else { continue }
                #expect(!request.isProved(by: proof), "bit \(bit) of byte \(index)")
            }
        }
    }

    @Test func anAnswerWithAFlippedBitIsRefused() throws {
        let client = try client()
        let answer = try answer()
        for index in answer.indices {
            var copy = answer
            copy[index] ^= 1
            let taken = try? copy.withUnsafeBytes { try client.receive($0) }
            #expect(taken == nil, "byte \(index)")
        }
    }

    @Test func anAnswerToAnotherHelloIsRefused() throws {
        let answer = try answer()
        let other = try client(attempt: 2)
        #expect(throws: HandshakeFault.authentication) {
            _ = try answer.withUnsafeBytes { try other.receive($0) }
        }
    }

    @Test func theProofsOfTheTwoEndsAreNotInterchangeable() throws {
        let reflected = SessionProof(
            id: proof.id,
            suite: .encrypted,
            client: proof.server,
            server: proof.client
        )
        let request = try request(client().message)
        #expect(!request.isProved(by: reflected))
        let answer = request.answer(with: reflected, received: 1, random: [UInt8](repeating: 1, count: 32))
        #expect(throws: HandshakeFault.authentication) {
            _ = try answer.withUnsafeBytes { try client().receive($0) }
        }
    }

    @Test func aProofIsValidOnlyForItsSessionAndSuite() throws {
        let message = try client().message
        let request = try request(message)
        let id = try #require([UInt8](repeating: 1, count: 16).withUnsafeBytes { SessionID($0) })
        let other = SessionProof(id: id, suite: .encrypted, client: proof.client, server: proof.server)
        #expect(!request.isProved(by: other))
        let readable = SessionProof(
            id: proof.id,
            suite: .integrityOnly,
            client: proof.client,
            server: proof.server
        )
        #expect(!request.isProved(by: readable))
    }

    @Test func theClientReadsAReject() throws {
        let reject = Reject(code: .noSession, retryAfterSeconds: 0).encoded()
        #expect(throws: HandshakeFault.rejected(.noSession, retryAfterSeconds: 0)) {
            _ = try reject.withUnsafeBytes { try client().receive($0) }
        }
    }

    @Test func aHelloOfAnotherFormIsRefused() throws {
        let message = try client().message
        // A body that is too long, another element, two suites, and bytes after the message.
        var forms: [[UInt8]] = []
        var longer = message
        longer[7] += 1
        forms.append(longer + [0])
        var otherElement = message
        otherElement[48] = 3
        forms.append(otherElement)
        var twoSuites = Array(message[..<47] + [0x01, 0xF1] + message[47...])
        twoSuites[44] = 2
        twoSuites[7] += 2
        forms.append(twoSuites)
        forms.append(message + [0xD1])
        for (index, form) in forms.enumerated() {
            #expect(throws: HandshakeFault.self, "form \(index)") { _ = try request(form) }
        }
    }
}
