import ProtocolCoreTesting
import Testing
import Vocabulary
import WireCoding

@testable import ProtocolCore

@Suite struct OpenRequestTests {
    @Test func aRequestIsReadBackAsWritten() throws {
        let requests = [
            StreamRequest(service: "echo"),
            StreamRequest(service: String(repeating: "s", count: 64), trace: "t"),
            StreamRequest(
                service: "d\u{e4}tabase 1",
                source: "[2001:db8::1%eth0]:50000",
                destination: String(repeating: "d", count: 128),
                trace: "0af7651916cd43dd8448eb211c80319c"
            ),
        ]
        for request in requests {
            let payload = try #require(request.encoded())
            #expect(try read(payload) == request)
        }
    }

    @Test(arguments: ["", String(repeating: "s", count: 65), "a\nb", "\u{1B}[2J", "a\u{7F}", "\u{85}", "a\0"])
    func anInvalidServiceNameIsNeitherSentNorAccepted(service: String) {
        #expect(StreamRequest(service: service).encoded() == nil)
        let payload = [UInt8(service.utf8.count)] + Array(service.utf8)
        #expect(throws: ProtocolViolation.self) { try read(payload) }
    }

    @Test(arguments: [[0xFF], [0xC0, 0x80], [0xE2, 0x82], [0xED, 0xA0, 0x80]] as [[UInt8]])
    func aServiceNameThatIsNotUTF8IsRefused(name: [UInt8]) {
        #expect(throws: ProtocolViolation.self) { try read([UInt8(name.count)] + name) }
    }

    @Test func aRequestTruncatedAnywhereIsRefused() throws {
        let payload = try #require(StreamRequest(service: "echo", source: "a", trace: "b").encoded())
        let wholeElements = [5, 10, 15]
        for count in 0..<payload.count where !wholeElements.contains(count) {
            #expect(throws: ProtocolViolation.self, "cut after \(count)") {
                try read(Array(payload.prefix(count)))
            }
        }
    }

    @Test func repeatedUnorderedOrTooLongElementsAreRefused() {
        let name: [UInt8] = [1, 0x65]
        for payload in [
            name + [0, 2, 0, 0, 0, 1, 0, 0],
            name + [0, 1, 0, 0, 0, 1, 0, 0],
            name + [0, 1, 0, 129] + [UInt8](repeating: 0x61, count: 129),
            name + [0x80, 9, 0, 0],
        ] {
            #expect(throws: ProtocolViolation.self) { try read(payload) }
        }
    }

    @Test func anUnknownElementIsSkipped() throws {
        #expect(try read([1, 0x65, 0, 1, 0, 1, 0x61, 0x7F, 0xFF, 0, 1, 0]).source == "a")
    }

    @Test func controlCharactersAreReplacedByQuestionMarks() throws {
        let payload: [UInt8] = [1, 0x65, 0, 1, 0, 6] + [0x61, 0x1B, 0x0A, 0x20, 0xC3, 0xA4]
        #expect(try read(payload).source == "a?????")
    }

    @Test func aTextThatIsTooLongIsTruncated() throws {
        let request = StreamRequest(service: "echo", source: String(repeating: "x", count: 1000))
        let payload = try #require(request.encoded())
        #expect(try read(payload).source == String(repeating: "x", count: 128))
    }

    @Test(arguments: Seeds.some(10)) func arbitraryPayloadsAreReadOrRefused(seed: UInt64) {
        var random = SplitMix(seed: seed)
        for _ in 0..<500 {
            let count = Int.random(in: 0...200, using: &random)
            var payload = (0..<count).map { _ in
                UInt8.random(in: 0...(random.chance(50) ? 5 : 255), using: &random)
            }
            if random.chance(70) { payload = [2, 0x61, 0x62] + payload }
            guard let request = try? read(payload) else { continue }
            #expect(request.encoded() != nil)
        }
    }

    @discardableResult
    private func read(_ payload: [UInt8]) throws -> StreamRequest {
        try payload.withUnsafeBytes { try StreamRequest($0) }
    }
}
