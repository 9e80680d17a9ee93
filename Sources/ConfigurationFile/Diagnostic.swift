/// Something an operator has to know about a file: what, where, and what to do.
package struct Diagnostic: Hashable, Sendable {
    /// Whether the file can be used all the same.
    package let severity: Severity
    /// Where it is, if it is at a place in a file.
    package let location: SourceLocation?
    /// What is wrong, as a clause in lower case without a full stop.
    package let message: String
    /// What to do about it, where that is known.
    package let hint: String?
    /// Other places that belong to it.
    package let notes: [Note]
    /// What has to change for it to go away.
    package let remedy: Remedy
    /// The column from which on the line may not be shown, because a secret may stand there.
    package let concealedFrom: Int?

    /// A diagnostic; what is left out is not known.
    package init(
        _ severity: Severity,
        at location: SourceLocation?,
        _ message: String,
        hint: String? = nil,
        notes: [Note] = [],
        remedy: Remedy = .text,
        concealedFrom: Int? = nil
    ) {
        self.severity = severity
        self.location = location
        self.message = message
        self.hint = hint
        self.notes = notes
        self.remedy = remedy
        self.concealedFrom = concealedFrom
    }

    /// The same diagnostic without what stands behind a column of its line, and without the hint, which may repeat it.
    package func concealing(from column: Int) -> Diagnostic {
        Diagnostic(severity, at: location, message, notes: notes, remedy: remedy, concealedFrom: column)
    }

    /// Whether the file can be used all the same.
    package enum Severity: String, Hashable, Sendable {
        /// It cannot.
        case error
        /// It can, but is unlikely to do what was meant.
        case warning
    }

    /// What has to change for a diagnostic to go away.
    package enum Remedy: Hashable, Sendable {
        /// The text of a file.
        case text
        /// The owner or the mode of a file, or who runs the program.
        case permission
    }

    /// A second place that belongs to a diagnostic.
    package struct Note: Hashable, Sendable {
        /// The place.
        package let location: SourceLocation
        /// What is there, as a clause in lower case without a full stop.
        package let message: String

        /// A note about a place.
        package init(at location: SourceLocation, _ message: String) {
            self.location = location
            self.message = message
        }
    }
}

extension Sequence where Element == Diagnostic {
    /// The diagnostics in the order of the text, each once; those without a place come first.
    package func sortedByPlace() -> [Diagnostic] {
        var seen: Set<Diagnostic> = []
        let unique = filter { seen.insert($0).inserted }
        // Faults at one place stay in the order in which they were found: sorting is stable only with a number.
        return unique.enumerated().sorted { left, right in
            switch (left.element.location, right.element.location) {
            case (let one?, let other?) where one != other: one < other
            case (nil, .some): true
            case (.some, nil): false
            default: left.offset < right.offset
            }
        }.map(\.element)
    }
}
