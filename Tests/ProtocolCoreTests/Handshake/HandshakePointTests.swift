import CryptoPrimitives
import ProtocolCoreTesting
import Testing

@testable import ProtocolCore

/// Invalid points in place of each end's share.
@Suite struct HandshakePointTests {
    let people: People

    init() throws {
        people = try People()
    }

    /// Encodings that OpenSSL would accept and Sallyport must not, and invalid points.
    static func badPoints(_ good: [UInt8]) -> [(String, [UInt8])] {
        let x = Array(good[1..<67])
        let y = Array(good[67...])
        let field = [0x01] + [UInt8](repeating: 0xFF, count: 65)
        let zeros = [UInt8](repeating: 0, count: 66)
        return [
            ("compressed, padded", [2 | (y[65] & 1)] + x + zeros),
            ("compressed, other half", [3 ^ (y[65] & 1)] + x + zeros),
            ("hybrid", [6 | (y[65] & 1)] + x + y),
            ("hybrid of the wrong sign", [7 ^ (y[65] & 1)] + x + y),
            ("infinity, padded", [0] + zeros + zeros),
            ("all zeros after 04", [4] + zeros + zeros),
            ("x is p", [4] + field + y),
            ("y is p", [4] + x + field),
            ("x is above p", [4] + [0x02] + x.dropFirst() + y),
            ("x has all bits", [4] + [UInt8](repeating: 0xFF, count: 66) + y),
            ("off the curve", [4] + x + y.flipped(at: 65)),
            ("coordinates swapped", [4] + y + x),
            ("one", [4] + zeros.dropLast() + [1] + zeros.dropLast() + [1]),
            ("form 05", [5] + x + y),
            ("form FF", [0xFF] + x + y),
        ]
    }

    @Test func aServerRefusesAnInvalidPoint() throws {
        let share = try HandshakeRun.share(people.alice).share
        for (name, point) in Self.badPoints(share) {
            var run = HandshakeRun(people)
            run.middle = { $0 == .hello ? $1.replacing(share, with: point) : $1 }
            let outcome = try run.run()
            #expect(outcome.serverFault == .invalidPoint, "\(name)")
            #expect(outcome.serverFault?.reject == nil)
            // The server computed and sent nothing, and counts no guess.
            #expect(outcome.steps.isEmpty)
            #expect(!outcome.owesProof)
        }
    }

    @Test func aClientRefusesAnInvalidPoint() throws {
        let share = try Array(#require(HandshakeRun(people).run().sent[.answer])[50..<183])
        for (name, point) in Self.badPoints(share) {
            var run = HandshakeRun(people)
            run.middle = { $0 == .answer ? $1.replacing(share, with: point) : $1 }
            let outcome = try run.run()
            #expect(outcome.clientFault == .invalidPoint, "\(name)")
            #expect(outcome.sent[.finish] == nil)
        }
    }

    @Test func aShareOfTheWrongSizeIsMalformed() throws {
        let short = [UInt8](repeating: 0, count: 1)
        let compressed = [UInt8](repeating: 2, count: 67)
        let share = try HandshakeRun.share(people.alice).share
        for value in [[], short, compressed, share.dropLast(), share + [0], [4] + share] as [[UInt8]] {
            for message in [HandshakeRun.Message.hello, .answer] {
                var run = HandshakeRun(people)
                run.middle = {
                    guard $0 == message else { return $1 }
                    return $1.editingElements { $0.map { $0.type == 2 ? (2, value) : $0 } }
                }
                let outcome = try run.run()
                #expect((outcome.serverFault ?? outcome.clientFault) == .malformed("share"))
            }
        }
    }
}
