/// The smallest part of a line that has a meaning.
struct Token: Hashable {
    let kind: Kind
    /// The position on the line, as character numbers from 0.
    let characters: Range<Int>

    enum Kind: Hashable {
        /// `[` at the start of a line.
        case sectionStart
        /// A word between brackets.
        case word(String)
        /// `]`.
        case sectionEnd
        /// The text before the `=`, or the first word of a line without one.
        case key(String)
        /// The first `=` of a line.
        case equals
        /// A value, or one element of a list; empty between two commas.
        case item(String, isQuoted: Bool)
        /// `,` after the `=` and outside quotes.
        case comma
        /// Any text after a token that must end its line.
        case rest
    }
}

/// A part of a line that cannot be read.
struct LexicalFault: Hashable {
    let characters: Range<Int>
    let message: String
    let hint: String?
}
