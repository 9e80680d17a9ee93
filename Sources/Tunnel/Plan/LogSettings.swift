/// The settings of the log: its level, format and destination.
package struct LogSettings: Hashable, Sendable {
    /// The level of the least important lines that are written.
    package var level: Level
    /// The form of a line.
    package var format: Format
    /// The destination of the lines.
    package var destination: Destination

    /// Settings of the log; omitted values have their defaults.
    package init(
        level: Level = Self.defaultLevel,
        format: Format = Self.defaultFormat,
        destination: Destination = Self.defaultDestination
    ) {
        self.level = level
        self.format = format
        self.destination = destination
    }

    /// One line for each stream and a few for each link: enough to answer "who was connected when".
    ///
    /// More (`debug`) is for troubleshooting, and grows with the traffic. Less (`warning`) hides the streams.
    package static let defaultLevel = Level.info
    /// A person reads the log first; a log collector has to be configured anyway.
    package static let defaultFormat = Format.text
    /// Every service manager collects standard error.
    package static let defaultDestination = Destination.standardError
}

extension LogSettings {
    /// The importance of a line, the most important first.
    package enum Level: String, Hashable, Sendable, CaseIterable {
        /// Something does not work, and an operator has to act.
        case error
        /// Something works less well than it should.
        case warning
        /// An event: a line for each stream that ended, and for each change of a link.
        case info
        /// Details for troubleshooting.
        case debug
    }

    /// The form of a line.
    package enum Format: String, Hashable, Sendable, CaseIterable {
        /// For people.
        case text
        /// The same fields as a JSON object on one line, for machines.
        case json
    }

    /// The destination of the lines.
    package enum Destination: Hashable, Sendable {
        /// The standard error of the process.
        case standardError
        /// Appended to the file at this path.
        case file(path: String)
    }
}
