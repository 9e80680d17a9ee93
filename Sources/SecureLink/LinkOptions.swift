import ProtocolCore

/// The options of links and sessions; operators can set some of them in `tunnel.conf`.
package struct LinkOptions: Hashable, Sendable {
    /// The time limit of a handshake, from the connection to the proof.
    ///
    /// A handshake is two round trips and about a millisecond of arithmetic at each end. Larger: an unauthenticated client holds
    /// one of the few handshake places for longer. Smaller: a peer behind a satellite link or in a congested radio cell cannot
    /// connect.
    package var handshakeTimeout = Duration.seconds(10)
    /// The time without bytes from the peer after which this end sends a PING.
    package var keepAliveInterval = SessionDefaults.keepAliveInterval
    /// The time without bytes from the peer after which this end gives the link up.
    package var keepAliveTimeout = SessionDefaults.keepAliveTimeout
    /// The maximum plaintext of a record at the beginning of a burst, in bytes.
    package var chunk = SessionDefaults.chunk
    /// The maximum plaintext of a record in a burst that lasts, in bytes, in both directions.
    package var maxRecord = SessionDefaults.maxRecord
    /// The initial credit of the peer on a new stream, in bytes.
    package var streamWindow = SessionDefaults.streamWindow
    /// The limit to which the window of one stream may grow, in bytes.
    package var maxStreamWindow = SessionDefaults.maxStreamWindow
    /// The maximum number of streams that the peer may have open in one session.
    package var maxStreams = SessionDefaults.maxStreams
    /// The time for which a session waits for another link after it has lost one; zero means that the session ends at once.
    package var resumeWindow = SessionDefaults.resumeWindow
    /// The limit on the records that a session keeps until the peer acknowledges them, in bytes; zero means that it keeps none
    /// and ends when it loses its link.
    package var resumeBuffer = SessionDefaults.resumeBuffer
    /// Whether a suite is accepted that authenticates records but does not hide them.
    package var allowsUnencrypted = false

    package init() {}

    /// The defaults, to which the layers above refer.
    package static let standard = LinkOptions()

    /// The initial credit of the peer on all streams together: one stream alone must not be able to use it up.
    private var sessionWindow: Int { max(SessionDefaults.sessionWindow, streamWindow / 2 * 3) }

    /// The parameters that this end announces to the peer.
    var parameters: SessionParameters {
        SessionParameters(
            maxRecord: UInt32(clamping: maxRecord),
            streamWindow: UInt32(clamping: streamWindow),
            sessionWindow: UInt32(clamping: sessionWindow),
            maxStreams: UInt32(clamping: maxStreams),
            features: isResuming ? .resume : []
        )
    }

    private var isResuming: Bool { resumeBuffer > 0 && resumeWindow > .zero }

    /// The suites that a handshake accepts, in the order of preference.
    var suites: [Suite] { allowsUnencrypted ? [.integrityOnly, .encrypted] : [.encrypted] }

    var session: Session.Options {
        var options = Session.Options(parameters: parameters)
        options.chunk = chunk
        options.maxRecord = maxRecord
        options.maxStreamWindow = UInt64(maxStreamWindow)
        options.keepAliveInterval = keepAliveInterval
        options.keepAliveTimeout = keepAliveTimeout
        options.resumeWindow = resumeWindow
        if resumeBuffer > 0 { options.logBytes = resumeBuffer }
        return options
    }
}
