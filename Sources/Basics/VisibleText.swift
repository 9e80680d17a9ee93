// The characters that are allowed in text for a terminal or a log. No other file defines them.

extension Unicode.Scalar {
    /// Whether the character is a control character as PROTOCOL.md defines it: C0, DEL and C1.
    ///
    /// A terminal may act on it. Names, realms and passwords on the wire contain none. The protocol forbids only these, so that
    /// both ends decide alike whichever versions of Unicode they implement.
    package var isControl: Bool { value < 0x20 || (0x7F...0x9F).contains(value) }

    /// Whether a terminal acts on the character instead of showing it, shows nothing, or reverses the direction of text.
    package var isInvisible: Bool {
        if (0x20..<0x7F).contains(value) { return false }
        return switch properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: true
        default: false
        }
    }

    /// Whether a reader cannot tell which character it is: it is invisible, or a blank other than U+0020.
    ///
    /// Paths and names that an operator chooses contain none, so that a file contains what its reader sees.
    package var isMisleading: Bool { isInvisible || (self != " " && properties.isWhitespace) }
}

extension StringProtocol {
    /// The text with U+FFFD in place of each invisible character, safe for a terminal.
    package var visible: String {
        String(String.UnicodeScalarView(unicodeScalars.map { $0.isInvisible ? "\u{FFFD}" : $0 }))
    }

    /// The text with each misleading character written as an escape, safe to quote in a message.
    package var quotable: String {
        unicodeScalars.map { $0.isMisleading ? $0.escaped(asASCII: true) : String($0) }.joined()
    }
}
