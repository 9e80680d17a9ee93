package import CryptoPrimitives
package import ProtocolCore
package import Vocabulary
import WireCoding

/// Encodes a frame of any type.
package func frame(_ type: UInt8, flags: UInt8 = 0, stream: UInt32 = 0, _ payload: [UInt8] = []) -> [UInt8] {
    var bytes: [UInt8] = [type, flags]
    bytes.append(bigEndian: UInt16(payload.count))
    bytes.append(bigEndian: stream)
    return bytes + payload
}

/// Encodes valid frames.
package enum Say {
    package static func open(_ stream: UInt32, _ service: String = "echo") -> [UInt8] {
        frame(1, stream: stream, [UInt8(service.utf8.count)] + Array(service.utf8))
    }
    package static func data(_ stream: UInt32, _ bytes: [UInt8], end: Bool = false) -> [UInt8] {
        frame(2, flags: end ? 1 : 0, stream: stream, bytes)
    }
    package static func window(_ stream: UInt32, _ limit: UInt64) -> [UInt8] {
        frame(3, stream: stream, big(limit))
    }
    package static func reset(_ stream: UInt32, _ failure: StreamFailure = .cancelled) -> [UInt8] {
        frame(4, stream: stream, big(failure.code))
    }
    package static func openResult(_ stream: UInt32, _ failure: StreamFailure? = nil) -> [UInt8] {
        frame(5, stream: stream, big(failure?.code ?? StreamFailure.connected) + big(failure?.detail ?? 0))
    }
    package static func ping(_ token: UInt64, answer: Bool = false) -> [UInt8] {
        frame(6, flags: answer ? 1 : 0, big(token))
    }
    package static func goAway(_ last: UInt32, _ code: CloseCode = .shutdown, _ text: String = "") -> [UInt8]
    {
        frame(7, big(last) + big(code.rawValue) + Array(text.utf8))
    }
    package static func close(_ code: CloseCode = .shutdown, _ text: String = "") -> [UInt8] {
        frame(8, big(code.rawValue) + Array(text.utf8))
    }
    package static func keyUpdate(_ kind: UInt8 = 0, _ rest: [UInt8] = []) -> [UInt8] {
        frame(9, [kind] + rest)
    }
    package static func ticket(_ bytes: [UInt8] = [1, 2, 3]) -> [UInt8] {
        frame(10, big(UInt32(7200)) + big(UInt64(1)) + big(UInt16(bytes.count)) + bytes)
    }
    package static func message(_ id: UInt64, _ bytes: [UInt8], flags: UInt8 = 0, type: UInt16 = 7) -> [UInt8]
    {
        frame(11, flags: flags, big(type) + big(id) + bytes)
    }
    package static func maxStreams(_ count: UInt32) -> [UInt8] { frame(12, big(count)) }
    package static func acknowledgement(_ records: UInt64) -> [UInt8] { frame(13, big(records)) }

    package static func big<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(bigEndian: value)
        return bytes
    }
}

extension DirectionKeys {
    /// Returns a complete record with this plaintext.
    ///
    /// - Throws: if the cryptographic library fails.
    package mutating func sealed(_ plaintext: [UInt8]) throws(CryptoFailure) -> [UInt8] {
        var record = [UInt8](repeating: 0, count: 4) + plaintext + [UInt8](repeating: 0, count: 16)
        let isSealed = record.withUnsafeMutableBytes { record in
            guard let base = record.baseAddress else { return false }
            RecordHeader.write(plaintextCount: plaintext.count, at: base)
            return seal(record)
        }
        guard isSealed else { throw CryptoFailure(operation: "sealing by hand", reason: "refused") }
        return record
    }
}
