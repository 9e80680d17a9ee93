import ProtocolCoreTesting
import Testing

@testable import ProtocolCore

@Suite struct RetryTests {
    private let nonce = [UInt8](repeating: 9, count: 16)

    @Test func aRetryIsReadBackAsWritten() throws {
        let longest = try #require(Realm([UInt8](repeating: 0x72, count: 255)))
        for retry in [
            Retry.ticketRefused(nonce: nonce),
            .realm(try #require(Realm("r")), cost: "", nonce: nonce),
            .realm(longest, cost: String(repeating: "c", count: 45), nonce: nonce),
        ] {
            #expect(try read(retry.encoded()) == retry)
        }
    }

    @Test func anInvalidRealmOrCostIsRefused() {
        let start: [UInt8] = [3, 0] + nonce
        for rest in [
            [], [0, 1, 0x63], [1], [2, 0x72], [1, 0x72], [1, 0x72, 2, 0x63], [1, 0x72, 1, 0x63, 0],
            [1, 0x0A, 1, 0x63], [1, 0xFF, 1, 0x63], [1, 0x72, 48] + [UInt8](repeating: 0x63, count: 48),
        ] as [[UInt8]] {
            #expect(throws: HandshakeFault.malformed("realm")) { try readBody(start + rest) }
        }
        #expect(throws: Never.self) { try readBody(start + [1, 0x72, 1, 0x63]) }
    }

    @Test func undefinedRetryReasonsAreRefused() {
        for reason in UInt8.min ... .max where reason != 2 && reason != 3 {
            #expect(throws: HandshakeFault.malformed("retry reason")) { try readBody([reason, 0] + nonce) }
        }
    }
}

@Suite struct RejectTests {
    @Test func aRejectIsReadBackAsWritten() throws {
        for reject in [
            Reject(code: .busy, retryAfterSeconds: 65535), Reject(code: RejectCode(rawValue: 200)),
        ] {
            let frame = reject.encoded()
            #expect(try frame.withUnsafeBytes { try Reject(frame: $0) } == reject)
        }
        let odd = HandshakeFrame.encode(.reject, body: [3, 1, 0, 0])
        #expect(throws: HandshakeFault.malformed("reject")) {
            try odd.withUnsafeBytes { try Reject(frame: $0) }
        }
    }

    @Test func aRejectEndsAClientsHandshakeInAnyState() throws {
        let people = try People()
        let reject = Reject(code: .busy, retryAfterSeconds: 7).encoded()
        let run = try HandshakeRun(people, asksForRealm: true).run()
        let states: [[HandshakeRun.Message]] = [[], [.retry], [.retry, .hello], [.retry, .hello, .answer]]
        for before in states {
            var client = HandshakeRun(people).makeClient()
            _ = client.begin(with: nil)
            for message in before {
                if message == .hello {
                    _ = try client.continue(with: people.alice, share: HandshakeRun.share(people.alice))
                } else {
                    _ = try client.feed(#require(run.sent[message]))
                }
            }
            #expect(throws: HandshakeFault.rejected(.busy, retryAfterSeconds: 7)) { try client.feed(reject) }
            // The client refuses all messages after it.
            #expect(throws: HandshakeFault.unexpectedMessage) { try client.feed(#require(run.sent[.answer])) }
        }
    }

    @Test func aServerRefusesAReject() throws {
        var server = try HandshakeRun(People()).makeServer()
        #expect(throws: HandshakeFault.unexpectedMessage) { try server.feed(Reject(code: .busy).encoded()) }
    }
}

private func read(_ frame: [UInt8]) throws -> Retry { try frame.withUnsafeBytes { try Retry(frame: $0) } }

@discardableResult
private func readBody(_ body: [UInt8]) throws -> Retry {
    try read([0xF5, 0x53, 0x4C, 0x59, 1, 4, 0, UInt8(body.count & 255)] + body)
}
