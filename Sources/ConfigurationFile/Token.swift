/// The smallest thing on a line that has a meaning.
struct Token: Hashable {
    let kind: Kind
    /// Where it stands on its line, as numbers of characters from 0.
    let characters: Range<Int>

    enum Kind: Hashable {
        /// `[` at the start of a line.
        case sectionStart
        /// A word between brackets.
        case word(String)
        /// `]`.
        case sectionEnd
        /// What stands before the `=`, or the first word of a line without one.
        case key(String)
        /// The first `=` of a line.
        case equals
        /// A value, or what stands between the commas of a list; empty between two commas.
        case item(String, isQuoted: Bool)
        /// `,` behind the `=` and outside quotes.
        case comma
        /// Anything behind a token that ends its line.
        case rest
    }
}

/// Something on a line that cannot be read as it stands.
struct LexicalFault: Hashable {
    let characters: Range<Int>
    let message: String
    let hint: String?
}
