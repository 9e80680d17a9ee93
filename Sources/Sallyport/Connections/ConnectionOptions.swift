import SecureLink

/// How a connection behaves; each end has its own.
public struct ConnectionOptions: Sendable {
    /// The application that both ends belong to: 1 to 64 bytes.
    ///
    /// It is part of what the password is stretched with, so ends of different applications cannot connect, whoever stands
    /// between them.
    public var application = "sallyport"
    /// How long connecting may take, with looking up the name.
    public var connectTimeout = Duration.seconds(10)
    /// How long an answer may take, where a request does not say otherwise.
    public var requestTimeout = Duration.seconds(30)
    /// How long a connection may take to say what there is to say, once it is being closed.
    public var closeTimeout = Duration.seconds(5)
    /// What becomes of packets that nobody takes.
    public var overflow = Inbox.Overflow.wait
    /// How many bytes the other end may send of what nobody has taken yet: for packets, for requests and for each stream.
    ///
    /// 256 KiB to 64 MiB.
    public var window = 1 << 20
    /// How many requests of the other end are handled at a time.
    public var concurrentRequests = 64
    /// How large a payload may be that is sent or taken, in bytes; up to 2^40.
    ///
    /// So many bytes of payloads that come in parts are held at a time; what is more waits for its turn.
    public var maxPayload = 64 << 20
    /// How long records are at the beginning of a burst, in bytes: 256 to 65536.
    ///
    /// They get longer by themselves.
    public var chunk = LinkOptions.standard.chunk
    /// How long a connection waits for another link when it has lost one; zero ends it then.
    public var resumeWindow = LinkOptions.standard.resumeWindow
    /// How many bytes are kept until the other end has acknowledged them, for the case that the link is lost.
    public var resumeBuffer = LinkOptions.standard.resumeBuffer
    /// Whether a connection is accepted whose records are authenticated but not hidden; both ends have to allow it, and
    /// ``Connection/isEncrypted`` tells.
    public var allowsUnencrypted = false

    /// The defaults.
    public init() {}

    /// The window, within what it may be.
    ///
    /// Half of the smallest has to hold an item that has come in part, and what is held back of credit.
    var clampedWindow: Int { min(max(window, 256 << 10), 64 << 20) }

    /// The longest payload, within what it may be.
    var clampedMaxPayload: Int { min(max(maxPayload, 0), 1 << 40) }
}
