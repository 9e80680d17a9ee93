/// One reason why values are not a valid configuration, and its place in them.
///
/// The place is given in terms of the values. The source of the values (a file, a command line, a test) translates it into its
/// own terms, such as a line and a column.
package struct ConfigurationFault: Hashable, Sendable {
    /// The part of the configuration that the fault is in.
    package let part: Part
    /// The setting of that part; nil means the part itself, or its name.
    package let setting: Setting?
    /// The position among several values of that setting, from 0; nil means all of them, or the only one.
    package let position: Int?
    /// The rule that is broken.
    package let problem: Problem
    /// Advice on how to correct it, if there is any.
    package let hint: String?
    /// The place that this one contradicts, if there is one.
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

    /// A broken rule; amounts stay numbers, so that the code that shows them can choose the units.
    package enum Problem: Hashable, Sendable {
        /// A number that is not within its range.
        case count(Int, outside: ClosedRange<Int>)
        /// A number of bytes that is not within its range.
        case bytes(Int, outside: ClosedRange<Int>)
        /// A time that is not within its range.
        case duration(Duration, outside: ClosedRange<Duration>)
        /// Any other rule, as a clause in lower case without a full stop.
        case rule(String)
    }

    /// A part of a `TunnelConfiguration`; the numbers are positions in its lists.
    package enum Part: Hashable, Sendable {
        /// The settings of the whole process.
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
        /// The part that the place is in.
        package let part: Part
        /// The setting of that part; nil means the part itself, or its name.
        package let setting: Setting?
        /// The position among several values of that setting, from 0.
        package let position: Int?
        /// A description of the place, as a clause in lower case without a full stop.
        package let message: String
    }
}

/// The error of `TunnelConfiguration.init`: every fault in the values; never empty.
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

/// A setting, by the name that files, command lines, messages and manuals use.
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
