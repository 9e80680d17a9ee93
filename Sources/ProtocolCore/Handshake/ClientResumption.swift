import CryptoPrimitives
import WireCoding

/// The client's side of a resumption: one hello, one answer, and no expensive arithmetic (PROTOCOL.md, Resumption).
package struct ClientResumption {
    /// The hello, to be sent as soon as the link is connected.
    package let message: [UInt8]
    private let proof: SessionProof

    /// Creates an attempt to resume a session on a link.
    ///
    /// - Parameters:
    ///   - proof: the identifier and keys that prove the session.
    ///   - attempt: the number of this attempt, counted from 1; never the same number twice.
    ///   - received: the number of records received since the session began.
    ///   - random: 32 random bytes, used once.
    package init(_ proof: SessionProof, attempt: UInt64, received: UInt64, random: [UInt8]) {
        precondition(random.count == ClientHello.randomCount, "32 random bytes")
        self.proof = proof
        message = ResumptionRequest.message(proof, attempt: attempt, received: received, random: random)
    }

    /// Handles bytes from the server.
    ///
    /// - Parameter bytes: all bytes that arrived and were not consumed yet.
    /// - Returns: the number of consumed bytes and the number of records that the server has received, or `nil` while the answer
    ///   is incomplete. Records follow the answer.
    /// - Throws: the reason why this attempt has failed.
    package func receive(
        _ bytes: UnsafeRawBufferPointer
    ) throws(HandshakeFault) -> (consumed: Int, received: UInt64)? {
        guard let (kind, count) = try HandshakeFrame.measure(bytes, expecting: [.serverHello, .reject]) else {
            return nil
        }
        let frame = UnsafeRawBufferPointer(rebasing: bytes.prefix(count))
        if kind == .reject {
            let reject = try Reject(frame: frame)
            throw .rejected(reject.code, retryAfterSeconds: reject.retryAfterSeconds)
        }
        var reader = ByteReader(UnsafeRawBufferPointer(rebasing: frame.dropFirst(HandshakeFrame.headerCount)))
        let opening = try ServerHello.Opening(&reader)
        guard opening.mode == HelloMode.resume.rawValue, opening.suite == proof.suite else {
            throw .malformed("mode")
        }
        let elements = try HelloElements(&reader)
        guard let confirmation = elements.confirmation, confirmation.count == ResumptionRequest.proofCount,
            elements.last == HelloElement.confirmation
        else { throw .malformed("confirmation") }
        let answer = Array(frame.dropLast(ResumptionRequest.proofCount))
        let expected = ResumptionRequest.code(key: proof.server, over: [message, answer])
        guard ConstantTime.areEqual(expected, Array(confirmation)) else { throw .authentication }
        guard let element = elements.session else { throw .malformed("session") }
        var counts = ByteReader(element)
        guard let received = counts.uint64(), counts.isAtEnd else { throw .malformed("session") }
        return (count, received)
    }
}
