import ProtocolCoreTesting
import Testing
import Vocabulary

@testable import ProtocolCore

/// Sessions that survive the loss of their link after any byte: every stream delivers exactly the bytes that were sent.
@Suite struct ResumedLinkTests {
    private static func whole() throws -> Exchange {
        var whole = try Exchange(resumes: true)
        whole.run()
        whole.close()
        return whole
    }

    @Test func theExchangeWithoutCutsHasNoFaults() throws {
        let whole = try Self.whole()
        #expect(whole.problems.isEmpty)
        #expect(whole.usedByStreams > 3000 && whole.used > whole.usedByStreams)
        #expect(whole.link.server.end == .byUs(.shutdown, ""))
        #expect(whole.link.client.end == .byPeer(.shutdown, ""))
        // Both directions updated their keys meanwhile.
        #expect(whole.link.client.session.sealing.sequence < whole.link.client.session.log.sealedRecords)
        #expect(whole.link.server.session.sealing.sequence < whole.link.server.session.log.sealedRecords)
    }

    @Test(arguments: 0..<8) func aLinkCutAfterAnyByteLosesNothing(group: Int) throws {
        for count in stride(from: group + 1, through: try Self.whole().used, by: 8) {
            try expectWhole([count])
        }
    }

    /// The second cut comes during resumption: its messages have 151 bytes and 126 bytes, and the resent records follow.
    @Test(arguments: 0..<8) func aLinkCutDuringResumptionLosesNothing(group: Int) throws {
        for (index, count) in stride(from: 40, through: try Self.whole().usedByStreams, by: 97).enumerated() {
            for second in stride(from: 1 + (group + index) % 8, through: 400, by: 8) {
                try expectWhole([count, count + second])
            }
        }
    }

    @Test(arguments: 1...40) func linksCutRepeatedlyLoseNothing(step: Int) throws {
        // Each link carries more than the two messages and one record; otherwise the exchange would never end.
        let length = 1400 + step * 53
        try expectWhole(Array(stride(from: length, to: length * 12, by: length)))
    }

    @Test(arguments: [1, 5000]) func aFullLogIsSentAgain(log: Int) throws {
        for count in stride(from: 2000, to: 30_000, by: 311) {
            try expectWhole([count]) {
                $0.parameters.streamWindow = 8000
                $0.parameters.sessionWindow = 20_000
                $0.logBytes = log
            } before: { exchange in
                for _ in 0..<3 {
                    _ = exchange.link.client.open(sending: 7000, thenEnd: true, at: exchange.link.now)
                }
            }
        }
    }

    private func expectWhole(
        _ cuts: [Int],
        change: (inout Session.Options) -> Void = { _ in },
        before: (inout Exchange) -> Void = { _ in },
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        var exchange = try Exchange(cuts: cuts, resumes: true, change: change)
        before(&exchange)
        exchange.run()
        exchange.close()
        let problems = exchange.problems
        #expect(problems.isEmpty, "cut after \(cuts)", sourceLocation: sourceLocation)
        let server = exchange.link.server.end
        #expect(server == .byUs(.shutdown, ""), "cut after \(cuts)", sourceLocation: sourceLocation)
        // If CLOSE itself is lost, the server no longer knows the session when the client resumes it. By then the client has
        // received all bytes.
        let client = exchange.link.client.end
        let isExpected = client == .byPeer(.shutdown, "") || client == .notResumed(.unknownToServer)
        #expect(
            isExpected,
            "cut after \(cuts): \(String(describing: client))",
            sourceLocation: sourceLocation
        )
    }
}
