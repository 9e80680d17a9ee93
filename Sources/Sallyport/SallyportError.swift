/// The one error type of this library.
public struct SallyportError: Error, Sendable, CustomStringConvertible {
    /// The kind of an error, for programs.
    public struct Code: Hashable, Sendable, RawRepresentable, CustomStringConvertible {
        /// The number that is sent when a request is answered with a failure.
        public let rawValue: UInt16

        /// Creates a code from any number; an application's own codes begin at 1000.
        public init(rawValue: UInt16) {
            self.rawValue = rawValue
        }

        /// The other end has no handler for the action.
        public static let unknownAction = Code(rawValue: 1)
        /// The other end's handler threw an error.
        public static let handlerFailed = Code(rawValue: 2)
        /// The other end's inbox is full and rejects packets, or there are too many streams.
        public static let refused = Code(rawValue: 3)
        /// The operation took longer than its time limit.
        public static let timeout = Code(rawValue: 4)
        /// The connection or the stream was closed; the message is the reason that the other end gave.
        public static let closed = Code(rawValue: 5)
        /// A payload, or the content of a stream, is larger than the limit.
        public static let tooLarge = Code(rawValue: 6)
        /// Bytes or a value do not have the format that they should have.
        public static let malformed = Code(rawValue: 7)
        /// The other end cannot be reached.
        public static let cannotConnect = Code(rawValue: 8)
        /// The server does not know this user with this password, or it is an impostor.
        public static let wrongPassword = Code(rawValue: 9)
        /// The server belongs to another application.
        public static let otherApplication = Code(rawValue: 10)
        /// The other end speaks another protocol or another version, or does not take messages.
        public static let incompatible = Code(rawValue: 11)
        /// The link was lost, and no other link resumed the connection in time.
        public static let linkLost = Code(rawValue: 12)
        /// An argument cannot be used.
        public static let invalidArgument = Code(rawValue: 13)
        /// A password or a file with passwords cannot be used.
        public static let credentials = Code(rawValue: 14)
        /// The task was cancelled.
        public static let cancelled = Code(rawValue: 15)
        /// The operating system reported an error.
        public static let system = Code(rawValue: 16)
        /// The other end has no service of that name, or the service rejects the stream.
        public static let noService = Code(rawValue: 17)

        private static let names: [Code: String] = [
            .unknownAction: "unknown action", .handlerFailed: "handler failed", .refused: "refused",
            .timeout: "timeout", .closed: "closed", .tooLarge: "too large", .malformed: "malformed",
            .cannotConnect: "cannot connect", .wrongPassword: "wrong password",
            .otherApplication: "other application", .incompatible: "incompatible", .linkLost: "link lost",
            .invalidArgument: "invalid argument", .credentials: "credentials", .cancelled: "cancelled",
            .system: "system", .noService: "no service",
        ]

        /// The name of the code, in words.
        public var description: String { Self.names[self] ?? "code \(rawValue)" }
    }

    /// The kind of the error, for programs.
    public let code: Code
    /// The description for people: what failed, on which object and why; one sentence, without a secret.
    public let message: String
    /// The error that caused this one, if another component reported it.
    public let cause: (any Error)?

    /// Creates an error; a handler throws one to answer with a code of its own.
    public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    /// The code and the message.
    public var description: String { "\(code): \(message)" }

    static var cancelled: SallyportError {
        SallyportError(.cancelled, "the task was cancelled", cause: CancellationError())
    }
}
