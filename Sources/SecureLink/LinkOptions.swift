import ProtocolCore

/// How links and sessions behave; what an operator can set of it stands in `tunnel.conf`.
package struct LinkOptions: Hashable, Sendable {
    /// How long a handshake may take, from the connection to the proof.
    ///
    /// A handshake is two round trips and about a millisecond of arithmetic at each end. Larger: a stranger holds one of the few
    /// handshake places for longer. Smaller: a peer behind a satellite or a crowded radio cell does not get in.
    package var handshakeTimeout = Duration.seconds(10)
    /// After so long without a sign of life the peer is asked for one.
    package var keepAliveInterval = SessionDefaults.keepAliveInterval
    /// After so long without one the link is given up.
    package var keepAliveTimeout = SessionDefaults.keepAliveTimeout
    /// How long records are at the beginning of a burst, in bytes.
    package var chunk = SessionDefaults.chunk
    /// How long they get, in bytes, in both directions.
    package var maxRecord = SessionDefaults.maxRecord
    /// How much the peer may send on a new stream without being asked for more, in bytes.
    package var streamWindow = SessionDefaults.streamWindow
    /// How far that may grow.
    package var maxStreamWindow = SessionDefaults.maxStreamWindow
    /// How many streams the peer may have open in one session.
    package var maxStreams = SessionDefaults.maxStreams
    /// How long a session waits for another link when it has lost one; zero means that it is over then.
    package var resumeWindow = SessionDefaults.resumeWindow
    /// How many bytes of records a session keeps until the peer acknowledges them; zero means that it keeps none, and is
    /// over when it loses its link.
    package var resumeBuffer = SessionDefaults.resumeBuffer
    /// Whether a suite is accepted that authenticates records but does not hide them.
    package var allowsUnencrypted = false

    package init() {}

    /// The defaults, for the layers above to refer to.
    package static let standard = LinkOptions()

    /// What the peer may send on all streams together at first: one stream alone must not be able to use it up.
    private var sessionWindow: Int { max(SessionDefaults.sessionWindow, streamWindow / 2 * 3) }

    /// What this end tells the peer that it is ready to receive.
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

    /// What is accepted in a handshake, in the order of preference.
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
