import CryptoPrimitives
import WireCoding

/// A client's hello that asks to resume a session on another link (PROTOCOL.md, Resumption).
///
/// It is only a claim until ``isProved(by:)`` returns `true`.
package struct ResumptionRequest: Sendable {
    /// The identifier of the session to resume.
    package let session: SessionID
    /// The number of the client's attempt; it starts at one and only grows.
    package let attempt: UInt64
    /// The number of records that the client has received since the session began.
    package let received: UInt64
    /// The suite of the session, according to the client.
    let suite: Suite
    private let message: [UInt8]

    /// The size of each end's proof, which is the end of its message, in bytes.
    static let proofCount = 64
    /// The size of the session's identifier and two counts.
    private static let elementCount = SessionID.count + 16

    /// Parses the elements of a hello; the checks that every hello needs have been made.
    init(
        frame: UnsafeRawBufferPointer,
        suites: [Suite],
        _ elements: HelloElements
    ) throws(HandshakeFault) {
        guard let element = elements.session, element.count == Self.elementCount,
            let session = SessionID(UnsafeRawBufferPointer(rebasing: element.prefix(SessionID.count)))
        else { throw .malformed("session") }
        guard let binder = elements.confirmation, binder.count == Self.proofCount,
            elements.last == HelloElement.confirmation
        else { throw .malformed("binder") }
        guard suites.count == 1 else { throw .malformed("a session has one suite") }
        var reader = ByteReader(UnsafeRawBufferPointer(rebasing: element.dropFirst(SessionID.count)))
        guard let attempt = reader.uint64(), let received = reader.uint64() else {
            throw .malformed("session")
        }
        self.session = session
        self.attempt = attempt
        self.received = received
        suite = suites[0]
        message = Array(frame)
    }

    /// Whether the client that sent the hello has the session's keys.
    ///
    /// The time that this takes does not depend on what is wrong with the hello.
    package func isProved(by proof: SessionProof) -> Bool {
        let code = Self.code(key: proof.client, over: [Array(message.dropLast(Self.proofCount))])
        let isRight = ConstantTime.areEqual(code, Array(message.suffix(Self.proofCount)))
        return isRight && proof.id == session && proof.suite == suite
    }

    /// The server's answer.
    ///
    /// - Parameters:
    ///   - proof: the identifier and keys that proved the request.
    ///   - received: the number of records that the server has received since the session began.
    ///   - random: 32 random bytes, used once.
    /// - Returns: the whole message; records follow it directly.
    package func answer(with proof: SessionProof, received: UInt64, random: [UInt8]) -> [UInt8] {
        precondition(random.count == ClientHello.randomCount, "32 random bytes")
        var body = random
        body += [ClientHello.version, HelloMode.resume.rawValue, 0]
        body.append(bigEndian: proof.suite.rawValue)
        body.append(0)
        var count: [UInt8] = []
        count.append(bigEndian: received)
        body.append(type: HelloElement.session, value: count)
        let nothing = [UInt8](repeating: 0, count: Self.proofCount)
        body.append(type: HelloElement.confirmation, value: nothing)
        let answer = Array(HandshakeFrame.encode(.serverHello, body: body).dropLast(Self.proofCount))
        return answer + Self.code(key: proof.server, over: [message, answer])
    }

    /// The authentication code over the hash of the messages one after the other.
    static func code(key: SecretBytes, over messages: [[UInt8]]) -> [UInt8] {
        HMAC.code(key: key, message: Digest.sha512(messages.flatMap { $0 }))
    }

    /// A client's hello.
    static func message(
        _ proof: SessionProof,
        attempt: UInt64,
        received: UInt64,
        random: [UInt8]
    ) -> [UInt8] {
        var body = random
        body += [ClientHello.version, ClientHello.version, HelloMode.resume.rawValue, 0, 1]
        body.append(bigEndian: proof.suite.rawValue)
        var element = proof.id.bytes
        element.append(bigEndian: attempt)
        element.append(bigEndian: received)
        body.append(type: HelloElement.session, value: element)
        body.append(type: HelloElement.confirmation, value: [UInt8](repeating: 0, count: proofCount))
        let hello = Array(HandshakeFrame.encode(.clientHello, body: body).dropLast(proofCount))
        return hello + code(key: proof.client, over: [hello])
    }
}
