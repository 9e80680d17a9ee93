/// The syntax of one file: its sections and entries in order, with their locations, before they are interpreted.
///
/// The language is the INI dialect of `tunnel.conf`:
/// ```
/// key = value                 before the first section: for all sections that know the key
/// [kind]  or  [kind name]     kinds and keys in upper or lower case
/// key = one, two              a list; the same as the key twice
/// key = "a # and, b"          quotes hold blanks, `#`, `;` and `,`; inside, `\"` and `\\` are a quote and a backslash
/// # or ; begin a comment at the start of a line and after a blank, so that `realm = example.net#7c1f` has none
/// ```
/// Text is UTF-8, a byte order mark is ignored, and lines end with LF or CR LF.
package struct Document: Hashable, Sendable {
    /// The file.
    package let file: SourceFile
    /// The entries before the first section.
    package internal(set) var globals: [Entry] = []
    /// The sections, in order.
    package internal(set) var sections: [Section] = []
    /// Whether the document covers the whole file; if not, the file was too long, and a diagnostic reports that.
    package internal(set) var isWhole = true
}

/// `[kind name]` and the entries below it.
package struct Section: Hashable, Sendable {
    /// The first word of the header in lower case; empty if the header could not be read, which a diagnostic reports.
    package let kind: String
    /// The second word of the header as written, if there is one.
    package let name: String?
    /// The location of the header, from `[` to `]`.
    package let location: SourceLocation
    /// The location of the first word.
    package let kindLocation: SourceLocation
    /// The location of the second word, if there is one.
    package let nameLocation: SourceLocation?
    /// The entries below the header, in order.
    package internal(set) var entries: [Entry] = []
}

/// `key = value`.
package struct Entry: Hashable, Sendable {
    /// The key in lower case, never empty.
    ///
    /// It may contain any characters: the parser does not know which keys exist.
    package let key: String
    /// The location of the key.
    package let keyLocation: SourceLocation
    /// The value after the `=`.
    package let value: Value
}

/// The value of an entry, readable as one text or as a list.
package struct Value: Hashable, Sendable {
    /// The parts between the commas, without quotes, surrounding blanks and comments; empty if there is no value.
    package let items: [Item]
    /// The location of the whole value; the end of the line if there is no value.
    package let location: SourceLocation
    /// The whole value as written, with commas and quotes.
    let written: String

    /// A part of a value.
    package struct Item: Hashable, Sendable {
        /// The text; empty between two commas, and for empty quotes.
        package let text: String
        /// Whether the text was in quotes.
        package let isQuoted: Bool
        /// The location of the text, including its quotes.
        package let location: SourceLocation
    }

    /// The value as one text, in which commas have no meaning; nil if it is empty or a list that contains quotes.
    package var single: Item? {
        if items.count == 1 { return items.first }
        guard !items.isEmpty, !items.contains(where: \.isQuoted) else { return nil }
        return Item(text: written, isQuoted: false, location: location)
    }
}
