/// How a session behaves unless its owner chooses otherwise: every default, once, with its reason.
///
/// The layers above refer to these; what an owner may choose at all is the layers' own.
package enum SessionDefaults {
    /// Bytes of payload in a record at the beginning of a burst: one record fits into three TCP segments.
    ///
    /// Larger: the first byte of a reply comes later on a slow line. Smaller: the 20 bytes that a record costs weigh more.
    package static let chunk = 4096
    /// Bytes of payload in a record of a burst that lasts: each record costs a fixed amount of work.
    ///
    /// Larger is not possible in the protocol. Smaller: less memory for each link, and less throughput.
    package static let maxRecord = Int(SessionParameters.recordRange.upperBound)

    /// Credit of a new stream, in bytes: enough for 100 Mbit/s at 20 ms without growth.
    ///
    /// Larger: many stalled streams may hold more memory. Smaller: long lines need more round trips to speed up.
    package static let streamWindow = 256 << 10
    /// How far the credit of one stream may grow, in bytes: enough for 1 Gbit/s at 130 ms.
    ///
    /// Larger: one stream on a very long and fast line gets quicker, and one stalled reader may hold more memory. Smaller: less
    /// memory, slower bulk transfer over long lines.
    package static let maxStreamWindow = 16 << 20
    /// Credit of all streams of a session together at the beginning, in bytes: sixteen new streams at full window.
    ///
    /// Larger: a peer may make this end hold more before it has shown that it reads. Smaller: a few streams that stand still hold
    /// up the others.
    package static let sessionWindow = 4 << 20
    /// How many streams the peer may have open at a time: a service with thousands of idle visitors is an ordinary case.
    ///
    /// Larger: one peer may take more sockets of this process. Smaller: visitors of a busy route are refused.
    package static let maxStreams = 16384

    /// After so long without a sign of life the peer is sent a PING: sooner than the 30 s after which some NAT devices drop the
    /// state of a quiet connection.
    ///
    /// Larger: such a device cuts the link. Smaller: more traffic on idle links, and radios that never sleep.
    package static let keepAliveInterval = Duration.seconds(15)
    /// After so long without a sign of life the link is lost: three unanswered intervals, because one lost PING is not a dead
    /// peer.
    ///
    /// Larger: streams hang for longer when a peer loses power. Smaller: a short outage costs a link.
    package static let keepAliveTimeout = Duration.seconds(45)

    /// How long a session that has lost its link waits for another one: a router that restarts, a train in a tunnel, a walk
    /// from one network to the next.
    ///
    /// Larger: streams outlast longer gaps, and hold sockets and memory for peers that never come back. Smaller: less is held,
    /// and less survives.
    package static let resumeWindow = Duration.seconds(120)
    /// How many bytes of records a session keeps until the peer acknowledges them: enough for 1 Gbit/s at 130 ms, and as much as
    /// one stream may be granted.
    ///
    /// Larger: longer and faster lines are filled, and a session whose peer does not answer may hold more memory. Smaller: the
    /// bytes under way limit what a line carries, because nothing more is read from visitors and targets when the log is full.
    package static let resumeBuffer = 16 << 20
}
