import SecureLink

/// The settings of a connection; each end has its own.
public struct ConnectionOptions: Sendable {
    /// The application that both ends belong to: 1 to 64 bytes.
    ///
    /// It is an input of password stretching, so ends of different applications cannot connect, even if an attacker relays
    /// their bytes.
    public var application = "sallyport"
    /// The time limit for connecting, including the name lookup.
    public var connectTimeout = Duration.seconds(10)
    /// The time limit for the answer to a request that sets no limit of its own.
    public var requestTimeout = Duration.seconds(30)
    /// The time limit for sending the remaining data when a connection is closed.
    public var closeTimeout = Duration.seconds(5)
    /// The treatment of received packets that the application does not take.
    public var overflow = Inbox.Overflow.wait
    /// The number of bytes that the other end may send ahead of the application: for packets, for requests and for each stream.
    ///
    /// Clamped to 256 KiB to 64 MiB.
    public var window = 1 << 20
    /// The number of requests from the other end that are handled at the same time.
    public var concurrentRequests = 64
    /// The maximum size of a payload that is sent or received, in bytes; up to 2^40.
    ///
    /// It also limits the total size of the long payloads that this end holds at the same time; further ones wait.
    public var maxPayload = 64 << 20
    /// The length of records at the start of a burst, in bytes: 256 to 65536.
    ///
    /// Records grow during a burst.
    public var chunk = LinkOptions.standard.chunk
    /// The time that a connection without a link waits for another one; with zero, it ends when the link is lost.
    public var resumeWindow = LinkOptions.standard.resumeWindow
    /// The number of unacknowledged bytes that are kept in case the link is lost.
    public var resumeBuffer = LinkOptions.standard.resumeBuffer
    /// Whether this end allows records that are authenticated but not encrypted.
    ///
    /// Both ends have to allow it; ``Connection/isEncrypted`` shows the result.
    public var allowsUnencrypted = false

    /// Creates the default options.
    public init() {}

    /// The window, clamped to the allowed range.
    ///
    /// With a window below the minimum, half of it could not hold a partly received item and the credit that is held back.
    var clampedWindow: Int { min(max(window, 256 << 10), 64 << 20) }

    /// The maximum size of a payload, clamped to the allowed range.
    var clampedMaxPayload: Int { min(max(maxPayload, 0), 1 << 40) }
}
