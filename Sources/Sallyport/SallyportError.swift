/// What went wrong: the one type of error of this library.
public struct SallyportError: Error, Sendable, CustomStringConvertible {
    /// What to decide by.
    public struct Code: Hashable, Sendable, RawRepresentable, CustomStringConvertible {
        /// The number that travels when a request is answered with a failure.
        public let rawValue: UInt16

        /// Any number: handlers may fail with their own, from 1000 on.
        public init(rawValue: UInt16) {
            self.rawValue = rawValue
        }

        /// The other end has no handler for the action.
        public static let unknownAction = Code(rawValue: 1)
        /// The other end's handler has thrown an error.
        public static let handlerFailed = Code(rawValue: 2)
        /// The other end's inbox is full, and it refuses what does not fit.
        public static let refused = Code(rawValue: 3)
        /// It has taken longer than it may.
        public static let timeout = Code(rawValue: 4)
        /// The connection was closed; the message is what the other end said about it.
        public static let closed = Code(rawValue: 5)
        /// Larger than it may be.
        public static let tooLarge = Code(rawValue: 6)
        /// It cannot be read or written as what it should be.
        public static let malformed = Code(rawValue: 7)
        /// The other end cannot be reached.
        public static let cannotConnect = Code(rawValue: 8)
        /// The server does not know this user with this password, or is an impostor.
        public static let wrongPassword = Code(rawValue: 9)
        /// The server belongs to another application.
        public static let otherApplication = Code(rawValue: 10)
        /// The other end speaks another protocol, another version, or no messages.
        public static let incompatible = Code(rawValue: 11)
        /// The link was lost and did not come back in time.
        public static let linkLost = Code(rawValue: 12)
        /// Something that was given cannot be used.
        public static let invalidArgument = Code(rawValue: 13)
        /// A password or a file with passwords cannot be used.
        public static let credentials = Code(rawValue: 14)
        /// The task was cancelled.
        public static let cancelled = Code(rawValue: 15)
        /// The system refuses something.
        public static let system = Code(rawValue: 16)
        /// There is no service of that name, or it refuses.
        public static let noService = Code(rawValue: 17)

        private static let names: [Code: String] = [
            .unknownAction: "unknown action", .handlerFailed: "handler failed", .refused: "refused",
            .timeout: "timeout", .closed: "closed", .tooLarge: "too large", .malformed: "malformed",
            .cannotConnect: "cannot connect", .wrongPassword: "wrong password",
            .otherApplication: "other application", .incompatible: "incompatible", .linkLost: "link lost",
            .invalidArgument: "invalid argument", .credentials: "credentials", .cancelled: "cancelled",
            .system: "system", .noService: "no service",
        ]

        /// The code in words.
        public var description: String { Self.names[self] ?? "code \(rawValue)" }
    }

    /// What to decide by.
    public let code: Code
    /// What happened, to what and why: one sentence for people, without a secret.
    public let message: String
    /// What caused it, if it was something else's error.
    public let cause: (any Error)?

    /// An error; handlers throw it to answer with a code of their own.
    public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    /// Code and message.
    public var description: String { "\(code): \(message)" }

    static var cancelled: SallyportError {
        SallyportError(.cancelled, "the task was cancelled", cause: CancellationError())
    }
}
