import Vocabulary
import WireCoding

/// The payload of CLOSE and the last part of GOAWAY: a code and up to 128 bytes of text for people.
struct ReasonText {
    var code: CloseCode
    var text: String

    /// The maximum length of the text, in bytes: a sentence.
    static let longest = 128

    init(code: CloseCode, text: String) {
        self.code = code
        self.text = text
    }

    var encoded: [UInt8] {
        var payload: [UInt8] = []
        payload.append(bigEndian: code.rawValue)
        payload.append(contentsOf: text.utf8.prefix(Self.longest))
        return payload
    }

    /// Parses the rest of a frame; characters that a terminal might interpret become question marks.
    init(_ reader: inout ByteReader) throws(ProtocolViolation) {
        guard let code = reader.uint16(), reader.remaining <= Self.longest else {
            throw .malformed("reason of the end")
        }
        self.code = CloseCode(rawValue: code)
        text = String(
            decoding: reader.remainder().map { (0x20...0x7E).contains($0) ? $0 : UInt8(ascii: "?") },
            as: UTF8.self
        )
    }
}
