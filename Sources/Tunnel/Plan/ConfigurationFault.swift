/// One reason why values do not make a configuration that can run, and where in them it is.
///
/// The place is in terms of the values, so that whoever made them (a file, a command line, a test) can say where that is
/// in its own.
package struct ConfigurationFault: Hashable, Sendable {
    /// The part of the configuration it is in.
    package let part: Part
    /// The setting of that part it is about; nil is the part as such, or its name.
    package let setting: Setting?
    /// Which of several values of that setting, from 0; nil is all of them, or the only one.
    package let position: Int?
    /// What is wrong there.
    package let problem: Problem
    /// What to do about it, where that is known.
    package let hint: String?
    /// The place that this one contradicts, and what that is, where there is one.
    package let other: Other?

    init(
        _ part: Part,
        _ setting: Setting?,
        at position: Int? = nil,
        _ problem: Problem,
        hint: String? = nil,
        other: Other? = nil
    ) {
        self.part = part
        self.setting = setting
        self.position = position
        self.problem = problem
        self.hint = hint
        self.other = other
    }

    /// What is wrong; amounts are kept as amounts, so that whoever shows them can choose the units.
    package enum Problem: Hashable, Sendable {
        /// A number that is not within its range.
        case count(Int, outside: ClosedRange<Int>)
        /// A number of bytes that is not within its range.
        case bytes(Int, outside: ClosedRange<Int>)
        /// A time that is not within its range.
        case duration(Duration, outside: ClosedRange<Duration>)
        /// Any other rule, told as a clause in lower case without a full stop.
        case rule(String)
    }

    /// A part of a `TunnelConfiguration`; the numbers are positions in its lists.
    package enum Part: Hashable, Sendable {
        /// What is set for the process as a whole.
        case process
        /// The server.
        case server
        /// One of the services.
        case service(Int)
        /// One of the peers.
        case peer(Int)
        /// One of the routes.
        case route(Int)
    }

    /// A second place that belongs to a fault.
    package struct Other: Hashable, Sendable {
        /// The part it is in.
        package let part: Part
        /// The setting of that part; nil is the part as such, or its name.
        package let setting: Setting?
        /// Which of several values of that setting, from 0.
        package let position: Int?
        /// What is there, as a clause in lower case without a full stop.
        package let message: String
    }
}

/// Everything that is wrong with the values a `TunnelConfiguration` was to be made of; never empty.
package struct InvalidConfiguration: Error, Hashable, Sendable, CustomStringConvertible {
    /// The faults, in the order of the configuration.
    package let faults: [ConfigurationFault]

    /// One line for each fault.
    package var description: String {
        faults.map { fault in
            "\(fault.part)\(fault.setting.map { " \($0.rawValue)" } ?? ""): \(fault.problem)"
        }.joined(separator: "\n")
    }
}

extension ConfigurationFault.Problem: CustomStringConvertible {
    /// The problem as a clause, with amounts in bytes and seconds.
    package var description: String {
        switch self {
        case .count(let value, let range): "\(value) is not within \(range.lowerBound) to \(range.upperBound)"
        case .bytes(let value, let range):
            "\(value) is not within \(range.lowerBound) to \(range.upperBound) bytes"
        case .duration(let value, let range):
            "\(value) is not within \(range.lowerBound) to \(range.upperBound)"
        case .rule(let message): message
        }
    }
}

/// What an operator can set, by the name that files, command lines, messages and manuals give it.
package enum Setting: String, Hashable, Sendable, CaseIterable {
    case workers
    case busyPoll = "busy-poll"
    case maxStreams = "max-streams"
    case maxLinks = "max-links"
    case maxHandshakes = "max-handshakes"
    case memory
    case drainTimeout = "drain-timeout"
    case aeadBackend = "aead-backend"
    case logLevel = "log-level"
    case logFormat = "log-format"
    case log

    case listen
    case passwords

    case connect
    case failover
    case allow

    case address
    case user
    case passwordFile = "password-file"
    case passwordEnvironment = "password-env"
    case realm
    case links

    case accept
    case peer
    case service
    case share

    case connectTimeout = "connect-timeout"
    case handshakeTimeout = "handshake-timeout"
    case keepalive
    case chunk
    case maxRecord = "max-record"
    case window
    case resumeWindow = "resume-window"
    case resumeBuffer = "resume-buffer"
    case idleTimeout = "idle-timeout"
    case halfCloseTimeout = "half-close-timeout"
}
