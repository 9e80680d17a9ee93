import ProtocolCoreTesting
import Testing

@testable import ProtocolCore

@Suite struct HandshakeFrameTests {
    @Test(
        arguments: [
            ("TLS 1.3", [0x16, 0x03, 0x01, 0x02, 0x00, 0x01]), ("TLS 1.0 alert", [0x15, 0x03, 0x01]),
            ("SSH", Array("SSH-2.0-OpenSSH_9.2".utf8)), ("HTTP", Array("GET / HTTP/1.1\r\n".utf8)),
            ("HTTP/2", Array("PRI * HTTP/2.0".utf8)), ("PROXY", Array("PROXY TCP4 192.0.2.1".utf8)),
            ("PROXY 2", [0x0D, 0x0A, 0x0D, 0x0A, 0x00]), ("SOCKS 5", [5, 1, 0]), ("nothing", [0, 0, 0, 0]),
            ("a record of ours", [0xD1, 0, 0, 17]), ("UTF-8", Array("\u{1F511}".utf8)),
        ] as [(String, [UInt8])]
    )
    func otherProtocolsAreRefusedAtTheirFirstByte(name: String, bytes: [UInt8]) {
        for count in 1...bytes.count {
            #expect(throws: HandshakeFault.notOurProtocol, "\(name), \(count) bytes") {
                try measure(Array(bytes.prefix(count)))
            }
        }
    }

    @Test func everyByteOfTheHeaderIsCheckedAsSoonAsItArrives() throws {
        let header: [UInt8] = [0xF5, 0x53, 0x4C, 0x59, 1, 1, 0, 100]
        for count in 0...8 { #expect(try measure(Array(header.prefix(count))) == nil) }
        for index in 0..<5 {
            for value in UInt8.min ... .max where value != header[index] {
                #expect(throws: HandshakeFault.notOurProtocol) {
                    try measure(Array(header.prefix(index)) + [value])
                }
            }
        }
        for kind in UInt8.min ... .max where kind != 1 {
            let fault: HandshakeFault =
                (2...5).contains(kind) ? .unexpectedMessage : .malformed("unknown message")
            #expect(throws: fault) { try measure(Array(header.prefix(5)) + [kind]) }
        }
    }

    @Test func aLengthOutOfRangeIsRefusedBeforeTheBodyArrives() throws {
        let limits: [(HandshakeKind, ClosedRange<Int>)] = [
            (.clientHello, 0...2048), (.serverHello, 0...2048), (.clientFinish, 64...64), (.retry, 18...320),
            (.reject, 4...4),
        ]
        for (kind, range) in limits {
            #expect(kind.bodyRange == range)
            for length in [0, 3, 4, 5, 17, 18, 63, 64, 65, 320, 321, 2048, 2049, 65535] {
                let header =
                    HandshakeFrame.magic + [1, kind.rawValue, UInt8(length >> 8), UInt8(length & 255)]
                if range.contains(length) {
                    let measured = try measure(header, expecting: [kind])
                    #expect(measured == (length == 0 ? 8 : nil))
                } else {
                    #expect(throws: HandshakeFault.malformed("message length")) {
                        try measure(header, expecting: [kind])
                    }
                }
            }
        }
    }

    @Test func theLengthOfAFrameExcludesTheBytesAfterIt() throws {
        let frame = HandshakeFrame.encode(.reject, body: [4, 0, 0, 0])
        #expect(try measure(frame + [1, 2, 3], expecting: [.reject]) == 12)
        #expect(try measure(Array(frame.dropLast()), expecting: [.reject]) == nil)
    }

    @Test func aByteIsRefusedWhenNoMessageIsExpected() throws {
        #expect(try measure([], expecting: []) == nil)
        #expect(throws: HandshakeFault.unexpectedMessage) { try measure([0xF5], expecting: []) }
        #expect(throws: HandshakeFault.notOurProtocol) { try measure([0x16], expecting: []) }
    }

    @discardableResult
    private func measure(_ bytes: [UInt8], expecting: [HandshakeKind] = [.clientHello]) throws -> Int? {
        try bytes.withUnsafeBytes { try HandshakeFrame.measure($0, expecting: expecting)?.count }
    }
}
