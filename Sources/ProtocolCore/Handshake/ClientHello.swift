import CryptoPrimitives
import WireCoding

/// The types of the elements in the two hellos (PROTOCOL.md, Handshake messages).
enum HelloElement {
    static let clientTag: UInt16 = 0x0001
    static let share: UInt16 = 0x0002
    static let ticket: UInt16 = 0x0003
    static let parameters: UInt16 = 0x0004
    static let realmHint: UInt16 = 0x0005
    static let session: UInt16 = 0x0007
    /// The binder of a client's hello, the confirmation of a server's.
    static let confirmation: UInt16 = 0x7FF0
}

/// The way in which a client begins; the number goes over the wire.
package enum HelloMode: UInt8, Sendable {
    /// With the password.
    case password = 1
    /// With a ticket.
    case ticket = 2
    /// With a session that lost its link.
    case resume = 3
}

/// The client's first message on a link.
package struct ClientHello: Sendable {
    /// 32 random bytes.
    package var random: [UInt8]
    /// The way in which the client begins.
    package var mode: HelloMode
    /// The suites that the client accepts, in its order of preference.
    package var suites: [Suite]
    /// The part of the hello that depends on its mode.
    package var request: Request
    /// The parameters that the client announces; only a hello with a password carries them.
    package var parameters: SessionParameters

    /// The part of a hello that depends on its mode.
    package enum Request: Sendable {
        /// A query for the server's realm, which the server answers with Retry.
        case realmQuery
        /// A login: the user's tag, the hint of the realm, and the client's share X.
        case login(tag: ClientTag, realmHint: [UInt8], share: [UInt8])
        /// The resumption of a session that lost its link, on this link.
        case resume(ResumptionRequest)
        /// A mode that this version answers without parsing the rest.
        case other
    }

    /// The protocol version of this code.
    static let version: UInt8 = 1
    /// The maximum number of suites that a hello may list.
    ///
    /// Eight is more than will ever be in use at once.
    static let maxSuites = 8
    static let randomCount = 32

    /// Creates a hello with a password, or a realm query.
    package init(random: [UInt8], suites: [Suite], request: Request, parameters: SessionParameters) {
        self.random = random
        self.mode = .password
        self.suites = suites
        self.request = request
        self.parameters = parameters
    }

    /// The whole message.
    package func encoded() -> [UInt8] {
        var body = random
        body += [Self.version, Self.version, mode.rawValue, 0, UInt8(suites.count)]
        for suite in suites { body.append(bigEndian: suite.rawValue) }
        if case .login(let tag, _, let share) = request {
            body.append(type: HelloElement.clientTag, value: tag.bytes)
            body.append(type: HelloElement.share, value: share)
        }
        body.append(type: HelloElement.parameters, value: parameters.encoded)
        if case .login(_, let hint, _) = request {
            body.append(type: HelloElement.realmHint, value: hint)
        } else {
            body.append(type: HelloElement.realmHint, value: Realm.noHint)
        }
        return HandshakeFrame.encode(.clientHello, body: body)
    }
}

// MARK: - Reading

extension ClientHello {
    /// Parses a whole message whose frame header has been checked.
    package init(frame: UnsafeRawBufferPointer) throws(HandshakeFault) {
        var reader = ByteReader(UnsafeRawBufferPointer(rebasing: frame.dropFirst(HandshakeFrame.headerCount)))
        guard let random = reader.bytes(Self.randomCount), let oldest = reader.uint8(),
            let newest = reader.uint8(), let modeByte = reader.uint8(), let flags = reader.uint8(),
            let suiteCount = reader.uint8()
        else { throw .malformed("hello is too short") }
        guard oldest >= 1, oldest <= newest else { throw .malformed("version range") }
        guard oldest <= Self.version, newest >= Self.version else { throw .version }
        guard let mode = HelloMode(rawValue: modeByte) else { throw .malformed("mode") }
        guard flags == 0 || (mode == .ticket && flags == 1) else { throw .malformed("flags") }
        guard (1...Self.maxSuites).contains(Int(suiteCount)) else { throw .malformed("number of suites") }
        var suites: [Suite] = []
        for _ in 0..<suiteCount {
            guard let suite = reader.uint16() else { throw .malformed("suites") }
            suites.append(Suite(rawValue: suite))
        }
        // A resumed session keeps its suite.
        guard suites.contains(.encrypted) || mode == .resume else { throw .suite }
        self.random = Array(random)
        self.mode = mode
        self.suites = suites
        let elements = try HelloElements(&reader)
        switch mode {
        case .password:
            (request, parameters) = try Self.password(elements)
        case .resume:
            let resume = try ResumptionRequest(frame: frame, suites: suites, elements)
            (request, parameters) = (.resume(resume), SessionParameters())
        case .ticket:
            (request, parameters) = (.other, SessionParameters())
        }
    }

    private static func password(
        _ elements: HelloElements
    ) throws(HandshakeFault) -> (Request, SessionParameters) {
        guard let bytes = elements.parameters, let parameters = SessionParameters(bytes) else {
            throw .malformed("parameters")
        }
        guard let hint = elements.realmHint, hint.count == Realm.hintCount else {
            throw .malformed("realm hint")
        }
        if hint.allSatisfy({ $0 == 0 }), elements.clientTag == nil, elements.share == nil {
            return (.realmQuery, parameters)
        }
        guard let tagBytes = elements.clientTag, let tag = ClientTag(tagBytes) else {
            throw .malformed("client tag")
        }
        guard let share = elements.share, share.count == P521.pointCount else { throw .malformed("share") }
        return (.login(tag: tag, realmHint: Array(hint), share: Array(share)), parameters)
    }
}

/// The elements of a hello that this version knows, borrowed from the message.
struct HelloElements {
    var clientTag: UnsafeRawBufferPointer?
    var share: UnsafeRawBufferPointer?
    var parameters: UnsafeRawBufferPointer?
    var realmHint: UnsafeRawBufferPointer?
    var session: UnsafeRawBufferPointer?
    var confirmation: UnsafeRawBufferPointer?
    /// The type of the last element, which has to be the confirmation if there is one.
    private(set) var last: UInt16?

    /// Parses the rest of a hello.
    ///
    /// Unknown elements are skipped; an unknown critical element is an error.
    init(_ reader: inout ByteReader) throws(HandshakeFault) {
        var critical = false
        do {
            while let element = try reader.typeLengthValue(after: &last) {
                switch element.type {
                case HelloElement.clientTag: clientTag = element.value
                case HelloElement.share: share = element.value
                case HelloElement.parameters: parameters = element.value
                case HelloElement.realmHint: realmHint = element.value
                case HelloElement.session: session = element.value
                case HelloElement.confirmation: confirmation = element.value
                default: critical = critical || element.isCritical
                }
            }
        } catch {
            throw .malformed("elements")
        }
        guard !critical else { throw .malformed("an element of a later version") }
    }
}
