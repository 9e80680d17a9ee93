/// Finds the word that a user probably meant, for "did you mean".
package enum KeySuggestion {
    /// Returns the known word that is closest to a written one, if it is close enough to be a typing mistake.
    ///
    /// A letter left out, added, changed or swapped with its neighbour is one mistake. Words of up to five letters may have one
    /// mistake, words of up to nine two, longer words three; with more, unrelated words would be suggested. `_` and a blank count
    /// as `-`, and case is ignored. Of equally close words the function returns the first.
    package static func closest(to word: String, among known: some Sequence<String>) -> String? {
        let written = normalized(word)
        guard !written.isEmpty, written.count <= maxWord else { return nil }
        var best: (word: String, slips: Int)?
        for candidate in known {
            let meant = normalized(candidate)
            let allowed = min(
                maxSlips(in: written.count),
                maxSlips(in: meant.count),
                (best?.slips ?? .max) - 1
            )
            guard abs(meant.count - written.count) <= allowed else { continue }
            let slips = distance(written, meant)
            if slips <= allowed { best = (candidate, slips) }
        }
        return best?.word
    }

    /// The maximum length of a word that is compared; a longer one is not a mistyped key, and its table would only cost time.
    private static let maxWord = 64

    private static func maxSlips(in length: Int) -> Int {
        switch length {
        case ..<3: 0
        case ..<6: 1
        case ..<10: 2
        default: 3
        }
    }

    private static func normalized(_ word: String) -> [Character] {
        word.lowercased().map { $0 == "_" || $0 == " " ? "-" : $0 }
    }

    /// The number of mistakes between two words, if no letter is changed twice (optimal string alignment).
    static func distance(_ left: [Character], _ right: [Character]) -> Int {
        var beforePrevious: [Int] = []
        var previous = Array(0...right.count)
        for (row, leftLetter) in left.enumerated() {
            var current = [row + 1]
            for (column, rightLetter) in right.enumerated() {
                let change = leftLetter == rightLetter ? 0 : 1
                var slips = min(previous[column] + change, previous[column + 1] + 1, current[column] + 1)
                if row > 0, column > 0, leftLetter == right[column - 1], left[row - 1] == rightLetter {
                    slips = min(slips, beforePrevious[column - 1] + 1)
                }
                current.append(slips)
            }
            beforePrevious = previous
            previous = current
        }
        return previous[right.count]
    }
}
