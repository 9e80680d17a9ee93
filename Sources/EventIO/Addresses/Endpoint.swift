import Basics
import Platform

/// An address to listen on or to connect to: a TCP host and port, or the path of a Unix socket.
///
/// `tunnel.conf` and the command line use this text form:
/// ```
/// HOST:PORT     example.com:7443, 127.0.0.1:5432
/// [IPv6]:PORT   [::1]:5432, [fe80::1%eth0]:7443
/// :PORT         listening: every address of this machine, and `host` is empty; dialling: like PORT
/// PORT          on a host that the caller of `init(parsing:for:)` chooses, or an error
/// unix:/PATH    at most 107 bytes of path
/// ```
/// `init(parsing:for:)` returns the canonical form (names in lower case, IPv6 as the system prints it), so two spellings of one
/// address are equal. An endpoint that is built directly from a case is not changed.
package enum Endpoint: Hashable, Sendable {
    /// A host name or address without brackets, empty for "every address of this machine"; port 0 is "any free port".
    case tcp(host: String, port: UInt16)
    /// The absolute path of a Unix stream socket.
    case unix(path: String)
}

extension Endpoint {
    /// The purpose of the endpoint, which decides the meaning of a text without a host.
    package enum Use: Hashable, Sendable {
        /// To bind. `:PORT` means every address, port 0 any free port; a bare `PORT` is bound on `barePortHost`.
        case listening(barePortHost: String)
        /// To connect to. A bare `PORT` or `:PORT` is dialled on `barePortHost`, or is an error if that is nil.
        case dialling(barePortHost: String?)
    }

    /// Parses the text form.
    ///
    /// - Parameters:
    ///   - text: one endpoint, without white space around it.
    ///   - use: the purpose of the endpoint.
    /// - Throws: the error in the text and, if known, the correct spelling.
    package init(parsing text: String, for use: Use) throws(EndpointFault) {
        guard !text.isEmpty else { throw EndpointFault("an address is empty") }
        if text.lowercased().hasPrefix("unix:") {
            self = try .parsingUnixPath(String(text.unicodeScalars.dropFirst(5)))
            return
        }
        guard !text.contains("/") else {
            throw EndpointFault(
                "`\(text.quotable)` is neither HOST:PORT nor a Unix socket",
                hint: text.hasPrefix("/") ? "write `unix:\(text.quotable)`" : "a URL is not understood here"
            )
        }
        let (host, port) = try Self.split(text)
        self = try .tcp(host: use.host(from: host, in: text), port: use.port(from: port))
    }

    /// Whether one machine cannot bind both endpoints.
    ///
    /// `:PORT` takes the port on every address, `0.0.0.0:PORT` on every IPv4 and `[::]:PORT` on every IPv6 address. Names
    /// are compared as text and not resolved. Port 0 overlaps with nothing.
    package func overlaps(_ other: Endpoint) -> Bool {
        switch (self, other) {
        case (.unix(let path), .unix(let otherPath)):
            path == otherPath
        case (.tcp(let host, let port), .tcp(let otherHost, let otherPort)):
            port == otherPort && port != 0
                && (host == otherHost || Self.host(host, covers: otherHost)
                    || Self.host(otherHost, covers: host))
        case (.tcp, .unix), (.unix, .tcp):
            false
        }
    }

    private static func host(_ host: String, covers other: String) -> Bool {
        switch host {
        case "": true
        case "0.0.0.0": isIPv4(other)
        case "::": other.contains(":")
        default: false
        }
    }
}

extension Endpoint: CustomStringConvertible {
    /// The text form, which `init(parsing:for:)` parses back to an equal value.
    package var description: String {
        switch self {
        case .tcp(let host, let port) where host.contains(":"): "[\(host)]:\(port)"
        case .tcp(let host, let port): "\(host):\(port)"
        case .unix(let path): "unix:\(path)"
        }
    }
}

/// The reason why a text is not an endpoint.
package struct EndpointFault: Error, Hashable, Sendable, CustomStringConvertible {
    /// The error, as a clause in lower case without a full stop.
    package let message: String
    /// The correct spelling, if known.
    package let hint: String?

    init(_ message: String, hint: String? = nil) {
        self.message = message
        self.hint = hint
    }

    /// The message, followed by the hint in parentheses.
    package var description: String {
        hint.map { "\(message) (\($0))" } ?? message
    }
}

// MARK: - TCP

extension Endpoint.Use {
    /// The host that the text before the port stands for in this use, in canonical form.
    fileprivate func host(from host: Endpoint.HostText, in text: String) throws(EndpointFault) -> String {
        switch (host, self) {
        case (.literal(let address), _):
            return try Endpoint.canonicalIPv6(address)
        case (.name(let name), _):
            return try Endpoint.checkedName(name)
        case (.none, .listening(let barePortHost)), (.none, .dialling(let barePortHost?)),
            (.empty, .dialling(let barePortHost?)):
            return barePortHost
        case (.empty, .listening):
            return ""
        case (.none, .dialling(nil)), (.empty, .dialling(nil)):
            throw EndpointFault("`\(text.quotable)` names no host", hint: "write `HOST:PORT`")
        }
    }

    fileprivate func port(from text: some StringProtocol) throws(EndpointFault) -> UInt16 {
        let isDecimal =
            !text.isEmpty && text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        guard isDecimal, let port = UInt16(text) else {
            throw EndpointFault(
                text.isEmpty ? "the port is missing" : "`\(text.quotable)` is not a port",
                hint: "a port is 1 to 65535"
            )
        }
        if port == 0, case .dialling = self {
            throw EndpointFault("port 0 cannot be dialled", hint: "a port is 1 to 65535")
        }
        return port
    }
}

extension Endpoint {
    fileprivate enum HostText {
        /// The text is a port only.
        case none
        /// The text begins with the colon before the port.
        case empty
        case name(Substring)
        /// The text between brackets.
        case literal(Substring)
    }

    /// The longest name that DNS can carry, in bytes of text form (RFC 1035, 2.3.4).
    private static let maxHostName = 253
    /// The longest label of such a name (RFC 1035, 2.3.4).
    private static let maxLabel = 63

    private static func split(_ text: String) throws(EndpointFault) -> (host: HostText, port: Substring) {
        if text.first == "[" {
            guard let end = text.firstIndex(of: "]") else {
                throw EndpointFault(
                    "`\(text.quotable)` has no `]`",
                    hint: "an IPv6 address is written `[::1]:PORT`"
                )
            }
            let host = text[text.index(after: text.startIndex)..<end]
            let rest = text[text.index(after: end)...]
            guard rest.first == ":" else {
                throw EndpointFault("`\(text.quotable)` has no port", hint: "write `[\(host.quotable)]:PORT`")
            }
            return (.literal(host), rest.dropFirst())
        }
        guard let colon = text.lastIndex(of: ":") else {
            guard text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else {
                throw EndpointFault("`\(text.quotable)` has no port", hint: "write `\(text.quotable):PORT`")
            }
            return (.none, text[...])
        }
        let host = text[..<colon]
        guard !host.contains(":") else {
            throw EndpointFault(
                "`\(text.quotable)` has more than one colon",
                hint: "an IPv6 address is written in brackets: `[::1]:PORT`"
            )
        }
        return (host.isEmpty ? .empty : .name(host), text[text.index(after: colon)...])
    }

    /// A DNS name or a dotted IPv4 address, within the limits of a resolver.
    fileprivate static func checkedName(_ text: Substring) throws(EndpointFault) -> String {
        if text == "*" {
            throw EndpointFault("`*` is not a host", hint: "to listen on every address write `:PORT`")
        }
        guard text.utf8.count <= maxHostName else {
            throw EndpointFault("a host name has more than \(maxHostName) bytes")
        }
        for character in text.unicodeScalars where !isNameCharacter(character) {
            throw EndpointFault(
                "`\(character.escaped(asASCII: false))` cannot be in a host name",
                hint: character.isASCII ? nil : "write a name with other letters in its `xn--` form"
            )
        }
        let name = text.lowercased()
        let labels = name.split(separator: ".", omittingEmptySubsequences: false)
        for (position, label) in labels.enumerated() where label.isEmpty || label.utf8.count > maxLabel {
            // A dot at the end stands for the DNS root: such a name is complete, and the resolver tries no search domain.
            let isRoot = label.isEmpty && position == labels.count - 1 && position > 0
            guard isRoot else {
                throw EndpointFault(
                    "`\(name)` is not a host name",
                    hint: "between two dots there are 1 to \(maxLabel) characters"
                )
            }
        }
        let looksLikeIPv4 = labels.last { !$0.isEmpty }?.allSatisfy(\.isNumber) ?? false
        guard !looksLikeIPv4 || isIPv4(name) else {
            throw EndpointFault("`\(name)` is not an IPv4 address", hint: "it has four numbers from 0 to 255")
        }
        return name
    }

    private static func isNameCharacter(_ character: Unicode.Scalar) -> Bool {
        switch character {
        case "a"..."z", "A"..."Z", "0"..."9", ".", "-", "_": true
        default: false
        }
    }

    private static func isIPv4(_ text: String) -> Bool {
        var address = in_addr()
        return inet_pton(AF_INET, text, &address) == 1
    }

    /// The address as the system prints it, with its zone (`%eth0`) unchanged.
    fileprivate static func canonicalIPv6(_ text: Substring) throws(EndpointFault) -> String {
        let parts = text.split(separator: "%", maxSplits: 1, omittingEmptySubsequences: false)
        let zone = parts.count == 2 ? parts[1] : nil
        var address = in6_addr()
        var printed = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        // A C string ends at the first NUL, so the system would ignore the text after it.
        guard !text.utf8.contains(0), let digits = parts.first,
            inet_pton(AF_INET6, String(digits), &address) == 1,
            inet_ntop(AF_INET6, &address, &printed, socklen_t(printed.count)) != nil
        else {
            throw EndpointFault(
                "`\(text.quotable)` is not an IPv6 address",
                hint: "brackets hold an IPv6 address: `[::1]:PORT`"
            )
        }
        let canonical = String(
            decoding: printed.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)),
            as: UTF8.self
        )
        guard let zone else { return canonical }
        guard (1..<Int(IF_NAMESIZE)).contains(zone.utf8.count),
            zone.unicodeScalars.allSatisfy(isNameCharacter)
        else {
            throw EndpointFault("`\(zone.quotable)` is not an interface name")
        }
        return "\(canonical)%\(zone)"
    }
}

// MARK: - Unix

extension Endpoint {
    /// The longest path of a Unix socket, in bytes.
    package static let maxUnixPath = SystemSocket.maxUnixPath

    private static func parsingUnixPath(_ path: String) throws(EndpointFault) -> Endpoint {
        guard path.first == "/" else {
            // `@name` would be an abstract socket: it has no owner and no mode, so anyone on the machine may take the name.
            throw EndpointFault("a Unix socket needs an absolute path", hint: "write `unix:/run/NAME.sock`")
        }
        guard path.utf8.count <= maxUnixPath else {
            throw EndpointFault(
                "the path of the Unix socket has \(path.utf8.count) bytes, and the system allows \(maxUnixPath)",
                hint: "choose a shorter folder"
            )
        }
        for character in path.unicodeScalars where character.isMisleading {
            throw EndpointFault(
                "`\(character.escaped(asASCII: true))` cannot be in the path of a Unix socket"
            )
        }
        return .unix(path: path)
    }
}
