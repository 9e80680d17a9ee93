import CryptoPrimitives
import Foundation
import ProtocolCoreTesting
import Testing

/// A file of test vectors: nested objects whose leaves are strings, mostly hexadecimal.
struct VectorFile {
    private let root: [String: Any]

    init(_ name: String, from file: String = #filePath) throws {
        let url = URL(fileURLWithPath: file).deletingLastPathComponent().appendingPathComponent(name)
        let object = try JSONSerialization.jsonObject(with: Data(contentsOf: url))
        root = try #require(object as? [String: Any])
    }

    /// The text at a path such as `pake/client_record0/record`.
    func text(_ path: String) throws -> String {
        var here: Any = root
        for name in path.split(separator: "/") {
            here = try #require((here as? [String: Any])?[String(name)], "no \(name) in \(path)")
        }
        return try #require(here as? String, "\(path) is no text")
    }

    /// The bytes at a path.
    func bytes(_ path: String) throws -> [UInt8] {
        try #require([UInt8](hex: text(path)), "\(path) is not hexadecimal")
    }

    /// The bytes at a path, as a secret.
    func secret(_ path: String) throws -> SecretBytes {
        SecretBytes(try bytes(path))
    }

    /// The objects of a list.
    func objects(_ name: String) throws -> [[String: Any]] {
        try #require(root[name] as? [[String: Any]])
    }
}

extension SecretBytes {
    /// The bytes in hexadecimal, for comparison with a vector.
    var hex: String { withUnsafeBytes { Array($0).hex } }
}
