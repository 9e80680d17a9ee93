/// The help as it is printed: examples first, because users look for them first.
struct HelpText: CustomStringConvertible {
    let description: String

    private static let overview = "OVERVIEW: "
    /// The width of the help, in characters.
    ///
    /// Larger: lines do not fit into usual terminals. Smaller: lines of the examples are broken.
    static let columns = 110

    /// Moves the examples to the front of the text that the argument parser wrote.
    init(_ text: String) {
        guard text.hasPrefix(Self.overview) else {
            description = text
            return
        }
        var paragraphs = text.dropFirst(Self.overview.count).paragraphs
        if let index = paragraphs.firstIndex(where: { $0.contains("EXAMPLES\n") }) {
            let examples = paragraphs.remove(at: index)
            // An empty abstract leaves an empty line in front of the examples.
            paragraphs.insert(String(examples.drop(while: \.isNewline)), at: 0)
        }
        description = paragraphs.joined(separator: "\n\n")
    }
}

extension Substring {
    /// The parts of the text between empty lines.
    fileprivate var paragraphs: [String] {
        var paragraphs: [String] = []
        var current: [Substring] = []
        for line in split(separator: "\n", omittingEmptySubsequences: false) {
            if line.isEmpty, !current.isEmpty {
                paragraphs.append(current.joined(separator: "\n"))
                current = []
            } else if !line.isEmpty {
                current.append(line)
            }
        }
        if !current.isEmpty { paragraphs.append(current.joined(separator: "\n")) }
        return paragraphs
    }
}
