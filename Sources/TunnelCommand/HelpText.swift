/// The help as it is shown: examples first, because they are what one looks for.
struct HelpText: CustomStringConvertible {
    let description: String

    private static let overview = "OVERVIEW: "
    /// Wide enough that no example is broken.
    static let columns = 110

    /// Rearranges what the argument parser wrote.
    init(_ text: String) {
        guard text.hasPrefix(Self.overview) else {
            description = text
            return
        }
        var paragraphs = text.dropFirst(Self.overview.count).paragraphs
        if let index = paragraphs.firstIndex(where: { $0.contains("EXAMPLES\n") }) {
            let examples = paragraphs.remove(at: index)
            // An empty overview leaves an empty line in front of them.
            paragraphs.insert(String(examples.drop(while: \.isNewline)), at: 0)
        }
        description = paragraphs.joined(separator: "\n\n")
    }
}

extension Substring {
    /// The parts between empty lines.
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
