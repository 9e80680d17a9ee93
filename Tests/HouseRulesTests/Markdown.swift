/// The part of Markdown that the rules need.
enum Markdown {
    /// A heading: `### 10.9 CLOSE`.
    struct Heading {
        /// `10.9`; empty for a heading without a number.
        let number: String
        /// `CLOSE`.
        let title: String
        /// `109-close`, as links name it.
        let anchor: String
    }

    /// The headings of a document.
    static func headings(of file: Project.File) -> [Heading] {
        prose(of: file).compactMap { line in
            guard let match = line.wholeMatch(of: /#{1,6} (?:([0-9]+(?:\.[0-9]+)*)\.? )?(.+)/) else {
                return nil
            }
            let whole = line.drop { $0 == "#" }.dropFirst()
            return Heading(
                number: String(match.1 ?? ""),
                title: String(match.2),
                anchor: anchor(of: whole)
            )
        }
    }

    /// The targets of a document's links.
    static func links(in file: Project.File) -> [String] {
        prose(of: file).flatMap { line in
            line.matches(of: /\]\(([^)\s]+)\)/).map { String($0.1) }
        }
    }

    /// Keeps letters in lower case, digits, `_` and `-`; blanks become `-`, and the rest is left out.
    private static func anchor(of title: Substring) -> String {
        String(
            title.lowercased().compactMap { character in
                if character == " " { return "-" }
                return character.isLetter || character.isNumber || character == "_" || character == "-"
                    ? character : nil
            }
        )
    }

    /// The lines outside of fenced code blocks.
    private static func prose(of file: Project.File) -> [Substring] {
        var isCode = false
        return file.lines.filter { line in
            if line.hasPrefix("```") {
                isCode.toggle()
                return false
            }
            return !isCode
        }
    }
}
