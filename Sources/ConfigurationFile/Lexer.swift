/// Splits one line into tokens.
///
/// ```
/// [ kind name ]            sectionStart  word  word  sectionEnd
/// key = one, "two" # why   key  equals  item  comma  item
/// ```
/// It never stops early: it reports text that it cannot read as a fault and continues after that text.
struct Lexer {
    private let line: [Unicode.Scalar]
    private var position = 0
    private var tokens: [Token] = []
    private var faults: [LexicalFault] = []

    private init(_ line: [Unicode.Scalar]) {
        self.line = line
    }

    /// Returns the tokens of a line and its faults; a blank line or a comment has no tokens.
    static func tokens(of line: [Unicode.Scalar]) -> (tokens: [Token], faults: [LexicalFault]) {
        var lexer = Lexer(line)
        lexer.scanLine()
        return (lexer.tokens, lexer.faults)
    }

    private mutating func scanLine() {
        skipBlanks()
        guard !isAtEndOrComment else { return }
        if current == "[" {
            scanSection()
        } else {
            scanKey()
        }
    }

    // MARK: - Sections

    private mutating func scanSection() {
        add(.sectionStart, length: 1)
        while true {
            skipBlanks()
            guard let character = current else { return }
            if character == "]" { break }
            if isAtEndOrComment { return }
            let start = position
            while let character = current, !Self.isBlank(character), character != "]" { position += 1 }
            tokens.append(Token(kind: .word(text(start..<position)), characters: start..<position))
        }
        add(.sectionEnd, length: 1)
        skipBlanks()
        // Only a comment may follow the bracket, so the comment needs no blank before it.
        guard let character = current, character != "#", character != ";" else { return }
        tokens.append(Token(kind: .rest, characters: position..<line.count))
    }

    // MARK: - Entries

    private mutating func scanKey() {
        let start = position
        // In a line without `=`, take the first word as the key: `connect 127.0.0.1:80` is an entry with one mistake.
        let equals = indexOfEquals()
        let limit = equals ?? line[start...].firstIndex(where: Self.isBlank) ?? line.count
        var end = limit
        while end > start, Self.isBlank(line[end - 1]) { end -= 1 }
        tokens.append(Token(kind: .key(text(start..<end)), characters: start..<end))
        position = limit
        if equals != nil { add(.equals, length: 1) }
        scanItems()
    }

    /// The index of the first `=` from here on that is not in quotes or in a comment.
    private func indexOfEquals() -> Int? {
        for index in position..<line.count {
            switch line[index] {
            case "=": return index
            case "\"": return nil
            case "#", ";":
                if isCommentStart(index) { return nil }
            default: break
            }
        }
        return nil
    }

    private mutating func scanItems() {
        skipBlanks()
        guard !isAtEndOrComment else { return }
        while true {
            scanItem()
            guard current == "," else { return }
            add(.comma, length: 1)
            skipBlanks()
        }
    }

    private mutating func scanItem() {
        if current == "\"" {
            scanQuoted()
        } else {
            scanPlain()
        }
    }

    private mutating func scanPlain() {
        let start = position
        while let character = current, character != ",", !isAtEndOrComment {
            if character == "\"" {
                fault(
                    position..<(position + 1),
                    "a quote in the middle of a value",
                    hint: "put the whole value into quotes, and write `\\\"` for a quote inside"
                )
            }
            position += 1
        }
        var end = position
        while end > start, Self.isBlank(line[end - 1]) { end -= 1 }
        tokens.append(Token(kind: .item(text(start..<end), isQuoted: false), characters: start..<end))
    }

    private mutating func scanQuoted() {
        let start = position
        position += 1
        var content = String.UnicodeScalarView()
        while let character = current, character != "\"" {
            if character == "\\" {
                position += 1
                guard let escaped = current, escaped == "\"" || escaped == "\\" else {
                    fault(
                        (position - 1)..<min(position + 1, line.count),
                        "a backslash in quotes stands before `\"` or `\\`",
                        hint: "write `\\\\` for a backslash"
                    )
                    content.append(character)
                    continue
                }
                content.append(escaped)
            } else {
                content.append(character)
            }
            position += 1
        }
        if current == nil {
            fault(start..<(start + 1), "this quote is not closed", hint: "add a `\"` behind the value")
        } else {
            position += 1
        }
        tokens.append(Token(kind: .item(String(content), isQuoted: true), characters: start..<position))
        skipBehindQuote()
    }

    /// Skips to the comma, the comment or the end of the line after a closing quote, and reports any other text there.
    private mutating func skipBehindQuote() {
        skipBlanks()
        let start = position
        while let character = current, character != ",", !isAtEndOrComment { position += 1 }
        guard position > start else { return }
        fault(
            start..<position,
            "text behind the closing quote",
            hint: "put the whole value into quotes, and commas between values"
        )
    }

    // MARK: - Characters

    private var current: Unicode.Scalar? {
        position < line.count ? line[position] : nil
    }

    /// Whether only a comment or the end of the line follows.
    private var isAtEndOrComment: Bool {
        position >= line.count || isCommentStart(position)
    }

    /// Whether a comment starts at the index: a `#` or `;` at the start of the line or after a blank.
    private func isCommentStart(_ index: Int) -> Bool {
        (line[index] == "#" || line[index] == ";") && (index == 0 || Self.isBlank(line[index - 1]))
    }

    static func isBlank(_ character: Unicode.Scalar) -> Bool {
        character == " " || character == "\t"
    }

    private mutating func skipBlanks() {
        while let current, Self.isBlank(current) { position += 1 }
    }

    private mutating func add(_ kind: Token.Kind, length: Int) {
        tokens.append(Token(kind: kind, characters: position..<(position + length)))
        position += length
    }

    private mutating func fault(_ characters: Range<Int>, _ message: String, hint: String?) {
        faults.append(LexicalFault(characters: characters, message: message, hint: hint))
    }

    private func text(_ characters: Range<Int>) -> String {
        String(String.UnicodeScalarView(line[characters]))
    }
}
