/// Writes texts as values of a file.
package enum ValueText {
    /// Returns the text in a form that the parser reads as one value: in quotes only if it needs them.
    ///
    /// The text must not contain characters that a value cannot contain, such as line ends.
    package static func quotedIfNeeded(_ text: String) -> String {
        let needsQuotes =
            text.isEmpty
            || text.unicodeScalars.contains { character in
                [" ", "\t", "\"", ",", "#", ";"].contains(character) || !character.isASCII
            }
        guard needsQuotes else { return text }
        var quoted = "\""
        for character in text.unicodeScalars {
            if character == "\"" || character == "\\" { quoted.unicodeScalars.append("\\") }
            quoted.unicodeScalars.append(character)
        }
        return quoted + "\""
    }
}
