import CryptoPrimitives
import ProtocolCoreTesting
import Testing

@testable import ProtocolCore

/// The bytes of a handshake in other portions: split anywhere, followed by more bytes, or of another protocol.
@Suite struct HandshakeBytesTests {
    let people: People

    init() throws {
        people = try People()
    }

    @Test func everyMessageMayArriveOneByteAtATime() throws {
        let sent = try HandshakeRun(people, asksForRealm: true).run().sent
        var server = HandshakeRun(people).makeServer()
        var client = HandshakeRun(people).makeClient()
        _ = client.begin(with: nil)

        guard case .send(let retry) = try feedOneByOne(#require(sent[.query]), to: &server) else {
            Issue.record("no retry")
            return
        }
        #expect(retry == sent[.retry])
        guard case .learn = try feedOneByOne(retry, to: &client) else {
            Issue.record("nothing learned")
            return
        }
        let hello = try client.continue(with: people.alice, share: HandshakeRun.share(people.alice))
        #expect(hello == sent[.hello])
        guard case .verify(let job) = try feedOneByOne(hello, to: &server) else {
            Issue.record("no login")
            return
        }
        let answer = try server.answer(with: job.run())
        #expect(answer == sent[.answer])
        guard case .prove(let proof) = try feedOneByOne(answer, to: &client) else {
            Issue.record("no proof")
            return
        }
        let (finish, _) = try client.finish(with: proof.run())
        #expect(finish == sent[.finish])
        guard case .established = try feedOneByOne(finish, to: &server) else {
            Issue.record("not established")
            return
        }
    }

    @Test func bytesAfterAHelloAreRefused() throws {
        let sent = try HandshakeRun(people, asksForRealm: true).run().sent
        for message in [HandshakeRun.Message.query, .hello] {
            for extra in [[0], [0xF5], sent[.hello] ?? []] as [[UInt8]] {
                var server = HandshakeRun(people).makeServer()
                #expect(throws: HandshakeFault.unexpectedMessage) {
                    try server.feed(#require(sent[message]) + extra)
                }
            }
        }
    }

    @Test func recordsMayFollowAClientFinishAndAreNotConsumed() throws {
        let sent = try HandshakeRun(people).run().sent
        var server = HandshakeRun(people).makeServer()
        guard case .verify(let job) = try server.feed(#require(sent[.hello])) else {
            Issue.record("no login")
            return
        }
        _ = try server.answer(with: job.run())
        let bytes = try #require(sent[.finish]) + [0xD1, 0, 0, 17]
        let (consumed, _) = try bytes.borrowed { bytes throws(HandshakeFault) in try server.receive(bytes) }
        #expect(consumed == 72)
    }

    @Test func aHelloThatIsTooLongIsRefusedBeforeItsBodyArrives() throws {
        for length in [2049, 4096, 65535] {
            var server = HandshakeRun(people).makeServer()
            let header = HandshakeFrame.magic + [1, 1, UInt8(length >> 8), UInt8(length & 255)]
            for count in 0..<8 { try server.expectWait(Array(header.prefix(count))) }
            #expect(throws: HandshakeFault.malformed("message length")) { try server.feed(header) }
        }
        // The longest permitted message is awaited in full and only then found to be malformed.
        var server = HandshakeRun(people).makeServer()
        let longest = HandshakeFrame.encode(.clientHello, body: [UInt8](repeating: 0, count: 2048))
        try server.expectWait(longest.dropLast())
        #expect(throws: HandshakeFault.malformed("version range")) { try server.feed(longest) }
    }

    @Test func bothEndsRefuseAnotherProtocolAtItsFirstByte() throws {
        for first in UInt8.min ... .max where first != 0xF5 {
            var server = HandshakeRun(people).makeServer()
            #expect(throws: HandshakeFault.notOurProtocol) { try server.feed([first]) }
            var client = HandshakeRun(people).makeClient()
            _ = client.begin(with: nil)
            #expect(throws: HandshakeFault.notOurProtocol) { try client.feed([first]) }
        }
    }

    @Test func anUnauthenticatedClientThatBreaksTheProtocolGetsNoReject() {
        for fault in [
            HandshakeFault.notOurProtocol, .unexpectedMessage, .malformed("x"), .invalidPoint, .repeatedRetry,
        ] {
            #expect(fault.reject == nil)
        }
    }

    private func feedOneByOne(
        _ bytes: [UInt8],
        to server: inout ServerHandshake
    ) throws -> ServerHandshake.Step {
        for count in 0..<bytes.count { try server.expectWait(Array(bytes.prefix(count))) }
        return try server.feed(bytes)
    }

    private func feedOneByOne(
        _ bytes: [UInt8],
        to client: inout ClientHandshake
    ) throws -> ClientHandshake.Step {
        for count in 0..<bytes.count {
            guard case .wait = try client.feed(Array(bytes.prefix(count))) else {
                Issue.record("something was done with \(count) of \(bytes.count) bytes")
                break
            }
        }
        return try client.feed(bytes)
    }
}

extension ServerHandshake {
    /// Feeds an incomplete message and expects that the handshake waits for more bytes.
    mutating func expectWait(_ bytes: [UInt8], sourceLocation: SourceLocation = #_sourceLocation) throws {
        let (consumed, step) = try bytes.borrowed { bytes throws(HandshakeFault) in try receive(bytes) }
        guard case .wait = step, consumed == 0 else {
            Issue.record("something was done with \(bytes.count) bytes", sourceLocation: sourceLocation)
            return
        }
    }
}
