/// What is logged, how it is written, and where to.
package struct LogSettings: Hashable, Sendable {
    /// The least important line that is written.
    package var level: Level
    /// The form of a line.
    package var format: Format
    /// Where lines go.
    package var destination: Destination

    /// Settings of the log; what is left out has its default.
    package init(
        level: Level = Self.defaultLevel,
        format: Format = Self.defaultFormat,
        destination: Destination = Self.defaultDestination
    ) {
        self.level = level
        self.format = format
        self.destination = destination
    }

    /// One line a stream and a few a link: enough to answer "who was connected when".
    ///
    /// More (`debug`) is for a search for a fault, and grows with the traffic; less (`warning`) hides the streams.
    package static let defaultLevel = Level.info
    /// A person reads it first; a machine has to be told anyway where to collect from.
    package static let defaultFormat = Format.text
    /// Every service manager collects it.
    package static let defaultDestination = Destination.standardError
}

extension LogSettings {
    /// How important a line is, the most important first.
    package enum Level: String, Hashable, Sendable, CaseIterable {
        /// Something does not work, and somebody has to act.
        case error
        /// Something works less well than it should.
        case warning
        /// What happened: a line for each stream that ended, and for each change of a link.
        case info
        /// What a search for a fault needs.
        case debug
    }

    /// The form of a line.
    package enum Format: String, Hashable, Sendable, CaseIterable {
        /// For people.
        case text
        /// The same fields as an object on one line, for machines.
        case json
    }

    /// Where lines go.
    package enum Destination: Hashable, Sendable {
        /// The standard error of the process.
        case standardError
        /// Appended to the file at this path.
        case file(path: String)
    }
}
