/// The reason why a text is not a value of the expected form.
package struct ValueFault: Error, Hashable, Sendable {
    /// The error, as a clause in lower case without a full stop.
    package let message: String
    /// A way to correct the text, if one is known.
    package let hint: String?

    /// A fault with an optional hint.
    package init(_ message: String, hint: String? = nil) {
        self.message = message
        self.hint = hint
    }
}

/// The forms of values that many keys share; one function reads each form, and its error says how to write it.
package enum ValueDecoding {
    /// Reads `yes`, `on` and `true`, or `no`, `off` and `false`, in upper or lower case.
    package static func yesOrNo(_ text: String) throws(ValueFault) -> Bool {
        switch text.lowercased() {
        case "yes", "on", "true": return true
        case "no", "off", "false": return false
        default: throw ValueFault("`\(text)` is neither yes nor no", hint: "write `yes` or `no`")
        }
    }

    /// Reads a whole number in decimal digits, without a sign.
    package static func integer(_ text: String) throws(ValueFault) -> Int {
        guard isDecimal(text) else {
            throw ValueFault("`\(text)` is not a whole number", hint: "write digits only, as in `16`")
        }
        guard let number = Int(text) else { throw ValueFault("`\(text)` is too large") }
        return number
    }

    /// Reads one of several words, in upper or lower case, and returns its index in `words`.
    ///
    /// `words` are in lower case.
    package static func word(_ text: String, of words: [String]) throws(ValueFault) -> Int {
        if let position = words.firstIndex(of: text.lowercased()) { return position }
        let all = words.map { "`\($0)`" }.joined(separator: ", ")
        guard let meant = KeySuggestion.closest(to: text, among: words) else {
            throw ValueFault("`\(text)` is not a value of this key", hint: "the values are \(all)")
        }
        throw ValueFault("`\(text)` is not one of \(all)", hint: "did you mean `\(meant)`?")
    }

    /// Splits `first/second`, or `first` alone, at the `/`.
    package static func pair(_ text: String) throws(ValueFault) -> (first: String, second: String?) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(trimmed)
        guard parts.count <= 2 else {
            throw ValueFault("`\(text)` has more than one `/`", hint: "one or two values are expected here")
        }
        return (parts[0], parts.count == 2 ? parts[1] : nil)
    }

    private static func trimmed(_ text: Substring) -> String {
        var scalars = text.unicodeScalars[...]
        while let first = scalars.first, Lexer.isBlank(first) { scalars = scalars.dropFirst() }
        while let last = scalars.last, Lexer.isBlank(last) { scalars = scalars.dropLast() }
        return String(scalars)
    }

    /// Whether the text consists of one or more ASCII digits.
    static func isDecimal(_ text: some StringProtocol) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }

    /// Splits a number from the unit after it: `10s` is `10` and `s`.
    static func numberAndUnit(_ text: String) -> (number: Substring, unit: String) {
        let number = text.prefix { $0.isASCII && $0.isNumber }
        return (number, text[number.endIndex...].lowercased())
    }
}
