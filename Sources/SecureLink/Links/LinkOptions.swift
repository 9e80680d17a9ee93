import ProtocolCore

/// How links and sessions behave; what an operator can set of it stands in `tunnel.conf`.
package struct LinkOptions: Hashable, Sendable {
    /// How long a handshake may take, from the connection to the proof.
    package var handshakeTimeout = Duration.seconds(10)
    /// After so long without a sign of life the peer is asked for one.
    package var keepAliveInterval = Duration.seconds(15)
    /// After so long without one the link is given up.
    package var keepAliveTimeout = Duration.seconds(45)
    /// How long records are at the beginning of a burst, in bytes.
    package var chunk = 4096
    /// How long they get, in bytes, in both directions.
    package var longestRecord = 65536
    /// How much the peer may send on a new stream without being asked for more, in bytes.
    package var streamWindow = 256 << 10
    /// How far that may grow.
    package var largestStreamWindow = 16 << 20
    /// How many streams the peer may have open in one session.
    package var mostStreams = 16384
    /// How long a session waits for another link when it has lost one; zero means that it is over then.
    package var resumeWindow = Duration.seconds(120)
    /// How many bytes of records a session keeps until the peer acknowledges them; zero means that it keeps none, and is
    /// over when it loses its link.
    package var resumeBuffer = 16 << 20
    /// Whether a suite is accepted that authenticates records but does not hide them.
    package var allowsUnencrypted = false

    package init() {}

    /// What the peer may send on all streams together at first: one stream alone must not be able to use it up.
    private var sessionWindow: Int { max(4 << 20, streamWindow / 2 * 3) }

    /// What this end tells the peer that it is ready to receive.
    var parameters: SessionParameters {
        SessionParameters(
            maxRecord: UInt32(clamping: longestRecord),
            streamWindow: UInt32(clamping: streamWindow),
            sessionWindow: UInt32(clamping: sessionWindow),
            maxStreams: UInt32(clamping: mostStreams),
            features: isResuming ? .resume : []
        )
    }

    private var isResuming: Bool { resumeBuffer > 0 && resumeWindow > .zero }

    /// What is accepted in a handshake, in the order of preference.
    var suites: [Suite] { allowsUnencrypted ? [.integrityOnly, .encrypted] : [.encrypted] }

    var session: Session.Options {
        var options = Session.Options(parameters: parameters)
        options.chunk = chunk
        options.longestRecord = longestRecord
        options.largestStreamWindow = UInt64(largestStreamWindow)
        options.keepAliveInterval = keepAliveInterval
        options.keepAliveTimeout = keepAliveTimeout
        options.resumeWindow = resumeWindow
        if resumeBuffer > 0 { options.logBytes = resumeBuffer }
        return options
    }
}
