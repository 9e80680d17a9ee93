import CryptoPrimitives
import ProtocolCoreTesting
import Testing
import WireCoding

@testable import ProtocolCore

@Suite struct ClientHelloTests {
    let people: People
    let login: [UInt8]

    init() throws {
        people = try People()
        login = try #require(HandshakeRun(people).run().sent[.hello])
    }

    @Test func aLoginIsReadBackAsWritten() throws {
        let hello = try read(login)
        #expect(hello.random == [UInt8](repeating: 0xC1, count: 32))
        #expect(hello.mode == .password)
        #expect(hello.suites == [.encrypted])
        #expect(hello.parameters == SessionParameters())
        guard case .login(let tag, let hint, let share) = hello.request else {
            Issue.record("not a login")
            return
        }
        #expect(tag == people.alice.tag)
        #expect(hint == people.table.realmHint)
        #expect(try share == HandshakeRun.share(people.alice).share)
        #expect(hello.encoded() == login)
    }

    @Test func aRealmQueryHasNeitherTagNorShare() throws {
        let hello = ClientHello(
            random: [UInt8](repeating: 1, count: 32),
            suites: [.integrityOnly, .encrypted],
            request: .realmQuery,
            parameters: SessionParameters(
                maxRecord: 1024,
                idleSeconds: 7,
                features: SessionFeatures(rawValue: 9)
            )
        )
        let again = try read(hello.encoded())
        guard case .realmQuery = again.request else {
            Issue.record("not a query")
            return
        }
        #expect(again.suites == [.integrityOnly, .encrypted])
        #expect(again.parameters == hello.parameters)
    }

    @Test func aVersionMismatchIsDistinguishedFromAMalformedRange() {
        func versions(_ oldest: UInt8, _ newest: UInt8) -> [UInt8] {
            var copy = login
            copy[40] = oldest
            copy[41] = newest
            return copy
        }
        for (oldest, newest) in [(1, 1), (1, 2), (1, 255)] as [(UInt8, UInt8)] {
            #expect(throws: Never.self) { try read(versions(oldest, newest)) }
        }
        for (oldest, newest) in [(2, 2), (2, 255), (255, 255)] as [(UInt8, UInt8)] {
            #expect(throws: HandshakeFault.version) { try read(versions(oldest, newest)) }
        }
        for (oldest, newest) in [(0, 0), (0, 1), (2, 1), (1, 0), (255, 1)] as [(UInt8, UInt8)] {
            #expect(throws: HandshakeFault.malformed("version range")) { try read(versions(oldest, newest)) }
        }
    }

    @Test func undefinedModesAndFlagsAreRefused() {
        for mode in UInt8.min ... .max where !(1...3).contains(mode) {
            var copy = login
            copy[42] = mode
            #expect(throws: HandshakeFault.malformed("mode")) { try read(copy) }
        }
        for flags in UInt8(1) ... .max {
            var copy = login
            copy[43] = flags
            #expect(throws: HandshakeFault.malformed("flags")) { try read(copy) }
            copy[42] = HelloMode.ticket.rawValue
            if flags != 1 { #expect(throws: HandshakeFault.malformed("flags")) { try read(copy) } }
        }
    }

    @Test func aHelloHasOneToEightSuitesIncludingTheMandatoryOne() throws {
        let head = Array(login[8..<44])
        let elements = Array(login[47...])
        func hello(_ suites: [UInt16], count: Int? = nil) -> [UInt8] {
            var body = head + [UInt8(count ?? suites.count)]
            for suite in suites { body.append(bigEndian: suite) }
            return HandshakeFrame.encode(.clientHello, body: body + elements)
        }
        for suites in [[0x0101], [0x01F1, 0x0101], [0x0101, 0x0101], Array(1...7) + [0x0101]] as [[UInt16]] {
            #expect(try read(hello(suites)).suites.map(\.rawValue) == suites)
        }
        #expect(throws: HandshakeFault.malformed("number of suites")) { try read(hello([])) }
        #expect(throws: HandshakeFault.malformed("number of suites")) {
            try read(hello([UInt16](repeating: 0x0101, count: 9)))
        }
        for suites in [[0x01F1], [0x0102], [0]] as [[UInt16]] {
            #expect(throws: HandshakeFault.suite) { try read(hello(suites)) }
        }
        #expect(throws: HandshakeFault.self) { try read(hello([0x0101], count: 8)) }
    }

    @Test func aMissingElementOfALoginIsRefused() throws {
        for missing in [1, 2, 4, 5] as [UInt16] {
            #expect(throws: HandshakeFault.self) {
                try read(login.editingElements { $0.filter { $0.type != missing } })
            }
        }
    }

    @Test func anElementOfTheWrongSizeIsRefused() throws {
        for type in [1, 2, 4, 5] as [UInt16] {
            for change in [-1, 1] {
                let edited = login.editingElements {
                    $0.map { element in
                        guard element.type == type else { return element }
                        let value = change < 0 ? Array(element.value.dropLast()) : element.value + [0]
                        return (type, value)
                    }
                }
                #expect(throws: HandshakeFault.self) { try read(edited) }
            }
        }
    }

    @Test func unorderedOrRepeatedElementsAreRefused() throws {
        #expect(throws: HandshakeFault.malformed("elements")) {
            try read(login.editingElements { $0.reversed() })
        }
        for index in 0..<4 {
            #expect(throws: HandshakeFault.malformed("elements")) {
                try read(login.editingElements { $0 + [$0[index]] })
            }
            #expect(throws: HandshakeFault.malformed("elements")) {
                try read(login.editingElements { Array($0[...index]) + Array($0[index...]) })
            }
        }
        for index in 0..<3 {
            #expect(throws: HandshakeFault.malformed("elements")) {
                try read(
                    login.editingElements {
                        var swapped = $0
                        swapped.swapAt(index, index + 1)
                        return swapped
                    }
                )
            }
        }
    }

    @Test func anUnknownElementIsSkippedUnlessItIsCritical() throws {
        for type in [0, 3, 6, 0x10, 0x7FF1, 0x7FFF] as [UInt16] {
            let edited = login.editingElements { ($0 + [(type, [1, 2, 3])]).sorted { $0.type < $1.type } }
            #expect(throws: Never.self) { try read(edited) }
        }
        for type in [0x8000, 0x8001, 0xFFFF] as [UInt16] {
            let edited = login.editingElements { $0 + [(type, [])] }
            #expect(throws: HandshakeFault.malformed("an element of a later version")) { try read(edited) }
        }
    }

    @Test func aHelloTruncatedAnywhereIsRefused() {
        for count in 0..<(login.count - 8) {
            let cut = HandshakeFrame.encode(.clientHello, body: Array(login[8..<8 + count]))
            #expect(throws: HandshakeFault.self) { try read(cut) }
        }
    }

    @Test(arguments: Seeds.some(10)) func arbitraryBodiesAreReadOrRefused(seed: UInt64) {
        var random = SplitMix(seed: seed)
        for _ in 0..<300 {
            var body = Array(login[8...])
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                let index = Int.random(in: 0..<body.count, using: &random)
                if random.chance(30) {
                    body.remove(at: index)
                } else {
                    body[index] = .random(in: 0...255, using: &random)
                }
            }
            _ = try? read(HandshakeFrame.encode(.clientHello, body: body))
        }
    }

    @discardableResult
    private func read(_ frame: [UInt8]) throws -> ClientHello {
        try frame.withUnsafeBytes { try ClientHello(frame: $0) }
    }
}

typealias HelloPart = (type: UInt16, value: [UInt8])

extension [UInt8] {
    /// A copy of the hello with other elements.
    func editingElements(_ edit: ([HelloPart]) -> [HelloPart]) -> [UInt8] {
        let isClients = self[5] == HandshakeKind.clientHello.rawValue
        let start = isClients ? 45 + 2 * Int(self[44]) : 46
        var elements: [HelloPart] = []
        var index = start
        while index < count {
            let type = UInt16(self[index]) << 8 | UInt16(self[index + 1])
            let length = Int(self[index + 2]) << 8 | Int(self[index + 3])
            elements.append((type, Array(self[index + 4..<index + 4 + length])))
            index += 4 + length
        }
        var body = Array(self[8..<start])
        for element in edit(elements) { body.append(type: element.type, value: element.value) }
        return HandshakeFrame.encode(isClients ? .clientHello : .serverHello, body: body)
    }
}
