import ProtocolCoreTesting
import Testing
import Vocabulary

@testable import ProtocolCore

/// A link that is lost after any byte, and with it the session.
///
/// Every stream has delivered a prefix of its bytes, and an end only if its sender had sent one.
@Suite struct CutLinkTests {
    @Test(arguments: 0..<8) func everyStreamDeliversAPrefixIfTheLinkIsCut(group: Int) throws {
        var whole = try Exchange()
        whole.run()
        #expect(whole.link.damage.isEmpty)
        #expect(whole.used > 3000)
        #expect(whole.link.server.streams[11]?.hasEnded == true)
        for count in stride(from: max(1, group), through: whole.used, by: 8) {
            var exchange = try Exchange(cuts: [count])
            exchange.run()
            exchange.link.cut()
            let problems = Self.problems(exchange.link)
            #expect(problems.isEmpty, "cut after \(count) bytes")
        }
    }

    @Test func bytesThatArriveOneAtATimeHaveTheSameEffect() throws {
        var whole = try Exchange()
        whole.run()
        var dripped = try Exchange(piece: 1)
        dripped.run()
        #expect(dripped.used == whole.used)
        for end in [(whole.link.client, dripped.link.client), (whole.link.server, dripped.link.server)] {
            #expect(Set(end.0.allIDs) == Set(end.1.allIDs))
            for id in end.0.allIDs {
                #expect(end.0.anyStream(id)?.received == end.1.anyStream(id)?.received)
                #expect(end.0.anyStream(id)?.hasEnded == end.1.anyStream(id)?.hasEnded)
                #expect(end.0.anyStream(id)?.resetCode == end.1.anyStream(id)?.resetCode)
            }
        }
        #expect(dripped.link.damage.isEmpty)
    }

    private static func problems(_ link: SimulatedLink) -> [String] {
        var problems = link.damage
        for end in [link.client, link.server] where end.end != .linkLost(.ended) {
            problems.append("ended with \(String(describing: end.end))")
        }
        problems += link.disagreements(isWhole: false, someoneWentAway: true)
        return problems
    }
}
