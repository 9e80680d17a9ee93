import Basics
import Vocabulary
import WireCoding

// The payload of OPEN (PROTOCOL.md, OPEN).

extension StreamRequest {
    /// The maximum length of a service's name, in bytes.
    package static let maxService = 64
    /// The maximum length of the other texts, in bytes: an IPv6 address with its zone and port has 72.
    ///
    /// A sender truncates a longer text; a receiver rejects it.
    package static let maxText = 128

    private enum Element {
        static let source: UInt16 = 1
        static let destination: UInt16 = 2
        static let trace: UInt16 = 3
    }

    /// The payload of the frame, or `nil` if the name of the service is not valid.
    func encoded() -> [UInt8]? {
        let name = service.utf8
        guard (1...Self.maxService).contains(name.count), Self.isPrintable(service) else { return nil }
        var payload: [UInt8] = [UInt8(name.count)]
        payload.append(contentsOf: name)
        for (type, text) in [
            (Element.source, source), (Element.destination, destination), (Element.trace, trace),
        ] where !text.isEmpty {
            payload.append(type: type, value: text.utf8.prefix(Self.maxText))
        }
        return payload
    }

    /// Parses the payload of a frame.
    init(_ payload: UnsafeRawBufferPointer) throws(ProtocolViolation) {
        var reader = ByteReader(payload)
        guard let count = reader.uint8(), (1...Self.maxService).contains(Int(count)),
            let name = reader.bytes(Int(count)), let service = String(validating: name, as: UTF8.self),
            Self.isPrintable(service)
        else { throw .malformed("OPEN: name of the service") }
        self.init(service: service)
        var previous: UInt16?
        do throws(TypeLengthValueFault) {
            while let element = try reader.typeLengthValue(after: &previous) {
                guard element.value.count <= Self.maxText else { throw .truncated }
                switch element.type {
                case Element.source: source = Self.text(element.value)
                case Element.destination: destination = Self.text(element.value)
                case Element.trace: trace = Self.text(element.value)
                default: if element.isCritical { throw .notAscending(element.type) }
                }
            }
        } catch {
            throw .malformed("OPEN: elements")
        }
    }

    /// Whether a name can be written into a log unchanged.
    private static func isPrintable(_ name: String) -> Bool {
        !name.unicodeScalars.contains(where: \.isControl)
    }

    /// A text from the peer for this end's log: bytes other than visible ASCII become question marks.
    private static func text(_ bytes: UnsafeRawBufferPointer) -> String {
        String(decoding: bytes.map { (0x21...0x7E).contains($0) ? $0 : UInt8(ascii: "?") }, as: UTF8.self)
    }
}
