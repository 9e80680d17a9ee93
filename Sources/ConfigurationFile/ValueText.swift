/// Texts as values in a file.
package enum ValueText {
    /// A text such that it is read back as one value: in quotes only where it needs them.
    ///
    /// It must have no characters that a file cannot hold, such as line ends.
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
