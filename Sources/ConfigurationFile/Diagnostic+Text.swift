import Basics

/// The form in which diagnostics are shown:
/// ```
/// tunnel.conf:12:1: error: unknown key `conect`
/// 12 | conect = 127.0.0.1:5432
///    | ^~~~~~
///    = hint: did you mean `connect`?
/// ```
extension Diagnostic: CustomStringConvertible {
    /// The diagnostic on several lines, without a newline at the end.
    package var description: String {
        var lines = [Self.heading(location, severity.rawValue, message)]
        let margin = location.map { Excerpt.margin(of: $0) } ?? ""
        if let location {
            lines += Excerpt(at: location, concealedFrom: concealedFrom).lines
        }
        if let hint {
            lines.append("\(margin) = hint: \(hint.visible)")
        }
        for note in notes {
            lines.append(Self.heading(note.location, "note", note.message))
            lines += Excerpt(at: note.location, concealedFrom: nil).lines
        }
        return lines.joined(separator: "\n")
    }

    private static func heading(_ location: SourceLocation?, _ kind: String, _ message: String) -> String {
        (location.map { "\($0): " } ?? "") + "\(kind): \(message.visible)"
    }
}

/// A line of a file with a caret below it.
private struct Excerpt {
    private(set) var lines: [String] = []

    /// The number of columns that are shown; a longer line is cut around the location.
    private static let width = 120
    /// The number of columns that are shown before the location if the line is cut.
    private static let before = 40

    init(at location: SourceLocation, concealedFrom: Int?) {
        let allLines = location.file.lines
        guard allLines.indices.contains(location.line - 1) else { return }
        var characters = allLines[location.line - 1][...]
        let first = min(location.column - 1, characters.count)
        if let concealedFrom {
            characters = characters.prefix(concealedFrom - 1)
        }
        let isCutAtFront = characters.count > Self.width && first > Self.before
        if isCutAtFront {
            characters = characters.dropFirst(first - Self.before)
        }
        let isCutAtEnd = characters.count > Self.width
        characters = characters.prefix(Self.width)

        let marked = first..<max(first + 1, min(first + location.length, characters.endIndex))
        var shown = isCutAtFront ? "… " : ""
        var carets = isCutAtFront ? "  " : ""
        for position in characters.startIndex..<max(characters.endIndex, marked.upperBound) {
            // The caret may also be one column after the end of the line.
            let character = position < characters.endIndex ? characters[position] : " "
            if position < characters.endIndex {
                shown.unicodeScalars.append(
                    character == "\t" || !character.isInvisible ? character : "\u{FFFD}"
                )
            }
            guard position < marked.upperBound else { continue }
            if position >= marked.lowerBound {
                let width = character == "\t" ? 1 : max(1, character.columns)
                carets +=
                    (position == marked.lowerBound ? "^" : "~") + String(repeating: "~", count: width - 1)
            } else if character == "\t" {
                // Write a tab below a tab, so that both have the same width on every terminal.
                carets += "\t"
            } else {
                carets += String(repeating: " ", count: character.columns)
            }
        }
        shown += (concealedFrom == nil ? "" : "(not shown)") + (isCutAtEnd ? " …" : "")
        let margin = Self.margin(of: location)
        lines = ["\(location.line) |\(shown.isEmpty ? "" : " \(shown)")", "\(margin) | \(carets)"]
    }

    /// Blanks as wide as the line number.
    static func margin(of location: SourceLocation) -> String {
        String(repeating: " ", count: String(location.line).count)
    }
}
