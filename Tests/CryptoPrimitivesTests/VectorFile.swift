import CryptoPrimitives
import Foundation
import Testing

/// Published test vectors, read from the files beside this one.
enum VectorFile {
    /// Decodes a file under `Vectors/`.
    static func load<Content: Decodable>(_ type: Content.Type, from path: String) throws -> Content {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Vectors")
        return try JSONDecoder().decode(type, from: Data(contentsOf: folder.appending(path: path)))
    }
}

/// The format of a Wycheproof file; only the groups and their cases differ from file to file.
struct Wycheproof<Group: Decodable>: Decodable {
    let numberOfTests: Int
    let testGroups: [Group]
}

/// Bytes that a vector file or a test writes as hexadecimal digits.
struct Hex: Decodable, ExpressibleByStringLiteral {
    let bytes: [UInt8]

    var secret: SecretBytes { SecretBytes(bytes) }

    /// The same number at another width, for files that leave out leading zeros.
    func padded(to count: Int) -> [UInt8] {
        [UInt8](repeating: 0, count: max(0, count - bytes.count)) + bytes
    }

    init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        bytes = try #require(Self.bytes(of: text), "not hexadecimal: \(text)")
    }

    init(stringLiteral text: String) {
        guard let bytes = Self.bytes(of: text) else { preconditionFailure("not hexadecimal: \(text)") }
        self.bytes = bytes
    }

    private static func bytes(of text: String) -> [UInt8]? {
        let digits = text.compactMap(\.hexDigitValue)
        guard digits.count == text.count, text.count.isMultiple(of: 2) else { return nil }
        return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }
}

/// The expected result of a Wycheproof case.
enum Verdict: String, Decodable {
    case valid
    case invalid
    case acceptable
}

extension SecretBytes {
    /// A plain copy of the bytes, for comparison in tests.
    var exposed: [UInt8] { withUnsafeBytes { [UInt8]($0) } }
}
