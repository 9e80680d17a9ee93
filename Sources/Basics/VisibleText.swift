// Which characters text may have that goes to a terminal or a log: the only place that says so.

extension Unicode.Scalar {
    /// Whether the character is a control character as PROTOCOL.md means it: C0, DEL and C1.
    ///
    /// A terminal may obey it. Names, realms and passwords on the wire have none. The protocol forbids no more than these, so
    /// that both ends decide alike whatever version of Unicode they know.
    package var isControl: Bool { value < 0x20 || (0x7F...0x9F).contains(value) }

    /// Whether a terminal would act on the character instead of showing it, or show nothing, or turn text around.
    package var isInvisible: Bool {
        if (0x20..<0x7F).contains(value) { return false }
        return switch properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: true
        default: false
        }
    }

    /// Whether a reader cannot see what the character is: it is invisible, or a blank that is not U+0020.
    ///
    /// Paths and names of an operator's own have none: what stands in a file must be what the reader sees.
    package var isMisleading: Bool { isInvisible || (self != " " && properties.isWhitespace) }
}

extension StringProtocol {
    /// The text with U+FFFD in place of each invisible character, fit for a terminal.
    package var visible: String {
        String(String.UnicodeScalarView(unicodeScalars.map { $0.isInvisible ? "\u{FFFD}" : $0 }))
    }

    /// The text with each misleading character written as an escape, fit for a message that quotes it.
    package var quotable: String {
        unicodeScalars.map { $0.isMisleading ? $0.escaped(asASCII: true) : String($0) }.joined()
    }
}
