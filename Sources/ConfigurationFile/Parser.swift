import Basics

/// Parses the text of a file into a document; it continues after each fault, so that one run reports all of them.
package struct Parser {
    private let file: SourceFile
    private var document: Document
    private var diagnostics: [Diagnostic] = []
    private var line = 0
    private var hasTooManySections = false

    private init(_ file: SourceFile) {
        self.file = file
        document = Document(file: file)
    }

    /// Returns the document and the faults of its text; the document omits the parts that could not be read.
    package static func parse(_ file: SourceFile) -> (document: Document, diagnostics: [Diagnostic]) {
        var parser = Parser(file)
        parser.parse()
        return (parser.document, parser.diagnostics)
    }

    private mutating func parse() {
        guard !file.isTooLong else {
            document.isWhole = false
            diagnostics.append(
                Diagnostic(
                    .error,
                    at: SourceLocation(file: file, line: 1, characters: 0..<0),
                    "the file has more than \(SourceFile.maxText >> 20) MiB",
                    hint: "a file with sections and keys is meant here"
                )
            )
            return
        }
        for (line, column) in file.brokenColumns where line < Self.maxLines {
            self.line = line + 1
            report((column - 1)..<column, "this is not UTF-8", hint: "save the file as UTF-8")
        }
        for (number, characters) in file.lines.prefix(Self.maxLines).enumerated() {
            line = number + 1
            parse(characters)
        }
        if file.lines.count > Self.maxLines {
            document.isWhole = false
            line = Self.maxLines + 1
            report(
                0..<0,
                "the file has more than \(Self.maxLines) lines",
                hint: "a file with sections and keys is meant here"
            )
        }
    }

    private mutating func parse(_ characters: [Unicode.Scalar]) {
        if characters.count > Self.maxLine {
            report(
                Self.maxLine..<characters.count,
                "the line has more than \(Self.maxLine) characters",
                hint: "a list can be spread over several lines: repeat the key"
            )
        }
        checkCharacters(characters)
        let (tokens, faults) = Lexer.tokens(of: characters)
        for fault in faults {
            report(fault.characters, fault.message, hint: fault.hint)
        }
        switch tokens.first?.kind {
        case nil: return
        case .sectionStart: parseSection(tokens, end: characters.count)
        default: parseEntry(tokens, characters)
        }
    }

    /// Checks for invisible and misleading characters; it reports at most one for each line.
    private mutating func checkCharacters(_ characters: [Unicode.Scalar]) {
        let first = characters.firstIndex { character in
            character != "\t" && character.isMisleading
        }
        guard let first else { return }
        let code = String(characters[first].value, radix: 16, uppercase: true)
        report(
            first..<(first + 1),
            "the character U+\(String(repeating: "0", count: max(0, 4 - code.count)))\(code)"
                + " cannot be seen",
            hint: "remove it, or write an ordinary blank"
        )
    }

    // MARK: - Sections

    private mutating func parseSection(_ tokens: [Token], end: Int) {
        guard document.sections.count < Self.maxSections else {
            if !hasTooManySections {
                report(
                    0..<end,
                    "the file has more than \(Self.maxSections) sections",
                    hint: "spread them over several files"
                )
            }
            hasTooManySections = true
            document.isWhole = false
            return
        }
        var words: [(text: String, characters: Range<Int>)] = []
        var isClosed = false
        for token in tokens.dropFirst() {
            switch token.kind {
            case .word(let text): words.append((text, token.characters))
            case .sectionEnd: isClosed = true
            case .rest:
                report(token.characters, "text behind the section", hint: "keys stand on lines of their own")
            default: break
            }
        }
        let last = tokens.last { $0.kind != .rest } ?? tokens[0]
        let whole = tokens[0].characters.lowerBound..<last.characters.upperBound
        if !isClosed {
            report(whole.upperBound..<whole.upperBound, "`]` is missing")
        }
        if words.isEmpty {
            report(whole, "a section without a kind", hint: "write `[kind name]`, as in `[route postgres]`")
        }
        if words.count > 2 {
            report(
                words[2].characters.lowerBound..<words[words.count - 1].characters.upperBound,
                "a section has one name",
                hint: "a name has no blanks in it: write `-` or `_`"
            )
        }
        let name = words.count > 1 ? words[1] : nil
        document.sections.append(
            Section(
                kind: words.first?.text.lowercased() ?? "",
                name: name?.text,
                location: location(whole),
                kindLocation: location(words.first?.characters ?? whole),
                nameLocation: name.map { location($0.characters) }
            )
        )
    }

    // MARK: - Entries

    private mutating func parseEntry(_ tokens: [Token], _ characters: [Unicode.Scalar]) {
        var key = ""
        var keyCharacters = 0..<0
        var items: [Value.Item] = []
        var hasEquals = false
        for token in tokens {
            switch token.kind {
            case .key(let text):
                key = text.lowercased()
                keyCharacters = token.characters
            case .equals:
                hasEquals = true
            case .item(let text, let isQuoted):
                items.append(Value.Item(text: text, isQuoted: isQuoted, location: location(token.characters)))
            default: break
            }
        }
        let end = tokens.last?.characters.upperBound ?? characters.count
        guard !key.isEmpty else {
            report(keyCharacters.lowerBound..<end, "a value without a key", hint: "write `key = value`")
            return
        }
        if !hasEquals {
            let value =
                items.isEmpty
                ? "VALUE"
                : String(
                    String.UnicodeScalarView(
                        characters[keyCharacters.upperBound..<end].drop(while: Lexer.isBlank)
                    )
                )
            report(keyCharacters, "`=` is missing behind `\(key)`", hint: "write `\(key) = \(value)`")
        }
        let start =
            tokens.first { token in
                if case .item = token.kind { true } else { false }
            }?.characters.lowerBound ?? end
        let entry = Entry(
            key: key,
            keyLocation: location(keyCharacters),
            value: Value(
                items: items,
                location: location(start..<end),
                written: String(String.UnicodeScalarView(characters[start..<end]))
            )
        )
        guard !hasTooManySections else { return }
        if document.sections.isEmpty {
            document.globals.append(entry)
        } else {
            document.sections[document.sections.count - 1].entries.append(entry)
        }
    }

    // MARK: - Reporting

    private mutating func report(_ characters: Range<Int>, _ message: String, hint: String? = nil) {
        diagnostics.append(Diagnostic(.error, at: location(characters), message, hint: hint))
    }

    private func location(_ characters: Range<Int>) -> SourceLocation {
        SourceLocation(file: file, line: line, characters: characters)
    }

    /// The maximum length of a line, in characters: just enough for the longest path of the system, 4095 bytes.
    ///
    /// Larger: such a line is an unreadable list, or not text. Smaller: deeply nested folders would be rejected.
    static let maxLine = 4096
    /// The maximum number of lines in a file: sixteen for each of ``maxSections``.
    ///
    /// Larger: each line could have one or two faults, and reporting a million faults takes long and helps no reader.
    static let maxLines = 65536
    /// The maximum number of sections in a file.
    ///
    /// Larger: the links and listeners of all sections would exceed the limits of a process, and checking them would be slow.
    /// Smaller: generated files for thousands of routes would not fit.
    static let maxSections = 4096
}
