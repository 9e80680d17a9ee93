/// A message to the operator about a configuration: the problem, its location, and the remedy.
package struct Diagnostic: Hashable, Sendable {
    /// Whether the file can still be used.
    package let severity: Severity
    /// The location in a file, if the diagnostic has one.
    package let location: SourceLocation?
    /// The problem, as a clause in lower case without a full stop.
    package let message: String
    /// The way to correct it, if one is known.
    package let hint: String?
    /// Other locations that belong to the problem.
    package let notes: [Note]
    /// The thing that the operator has to change.
    package let remedy: Remedy
    /// The column from which the line must not be shown, because a secret may follow.
    package let concealedFrom: Int?

    /// A diagnostic; arguments with a default are optional.
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

    /// Returns the diagnostic without the text from a column of its line on, and without the hint, which may repeat that text.
    package func concealing(from column: Int) -> Diagnostic {
        Diagnostic(severity, at: location, message, notes: notes, remedy: remedy, concealedFrom: column)
    }

    /// The severity of a diagnostic.
    package enum Severity: String, Hashable, Sendable {
        /// The file cannot be used.
        case error
        /// The file can be used, but probably does not do what the operator meant.
        case warning
    }

    /// The thing that the operator has to change to resolve a diagnostic.
    package enum Remedy: Hashable, Sendable {
        /// The text of a file.
        case text
        /// The owner or the mode of a file, or the user who runs the program.
        case permission
    }

    /// A second location that belongs to a diagnostic.
    package struct Note: Hashable, Sendable {
        /// The location.
        package let location: SourceLocation
        /// The meaning of the location, as a clause in lower case without a full stop.
        package let message: String

        /// A note about a location.
        package init(at location: SourceLocation, _ message: String) {
            self.location = location
            self.message = message
        }
    }
}

extension Sequence where Element == Diagnostic {
    /// Returns the diagnostics sorted by location, without duplicates; those without a location come first.
    package func sortedByPlace() -> [Diagnostic] {
        var seen: Set<Diagnostic> = []
        let unique = filter { seen.insert($0).inserted }
        // Sorting is not guaranteed to be stable: the index keeps diagnostics at the same location in their original order.
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
