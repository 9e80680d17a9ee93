/// What stands in one file, in order and with the place of everything, before any of it has a meaning.
///
/// The language is the INI dialect of `tunnel.conf`:
/// ```
/// key = value                 before the first section: for all sections that know the key
/// [kind]  or  [kind name]     kinds and keys in upper or lower case
/// key = one, two              a list; the same as the key twice
/// key = "a # and, b"          quotes hold blanks, `#`, `;` and `,`; inside, `\"` and `\\` are a quote and a backslash
/// # or ; begin a comment at the start of a line and after a blank, so that `realm = example.net#7c1f` has none
/// ```
/// Text is UTF-8, a byte order mark is passed over, and lines end with LF or CR LF.
package struct Document: Hashable, Sendable {
    /// Where all this stands.
    package let file: SourceFile
    /// The entries before the first section.
    package internal(set) var globals: [Entry] = []
    /// The sections, in order.
    package internal(set) var sections: [Section] = []
    /// Whether all of the text is here; otherwise it was too long, which has been reported.
    package internal(set) var isWhole = true
}

/// `[kind name]` and the entries below it.
package struct Section: Hashable, Sendable {
    /// The first word in lower case; empty where the header could not be read, which has been reported.
    package let kind: String
    /// The second word as written, if there is one.
    package let name: String?
    /// Where the header stands, from `[` to `]`.
    package let location: SourceLocation
    /// Where the first word stands.
    package let kindLocation: SourceLocation
    /// Where the second word stands, if there is one.
    package let nameLocation: SourceLocation?
    /// What stands below, in order.
    package internal(set) var entries: [Entry] = []
}

/// `key = value`.
package struct Entry: Hashable, Sendable {
    /// The key in lower case, never empty.
    ///
    /// It may hold any characters: whether there is such a key is not known here.
    package let key: String
    /// Where the key stands.
    package let keyLocation: SourceLocation
    /// What stands behind the `=`.
    package let value: Value
}

/// What stands behind the `=` of an entry, as one text or as a list.
package struct Value: Hashable, Sendable {
    /// What stands between the commas, without quotes, blanks around it and comments; empty if there is no value.
    package let items: [Item]
    /// Where all of it stands; the end of the line if there is no value.
    package let location: SourceLocation
    /// All of it as written, with commas and quotes.
    let written: String

    /// A part of a value.
    package struct Item: Hashable, Sendable {
        /// The text; empty between two commas, and where quotes hold nothing.
        package let text: String
        /// Whether it stood in quotes.
        package let isQuoted: Bool
        /// Where it stands, with its quotes.
        package let location: SourceLocation
    }

    /// The value as one text, in which commas have no meaning; nil if it is empty or a list with quotes in it.
    package var single: Item? {
        if items.count == 1 { return items.first }
        guard !items.isEmpty, !items.contains(where: \.isQuoted) else { return nil }
        return Item(text: written, isQuoted: false, location: location)
    }
}
