/// The default values of a session's options, each with its reason.
///
/// The layers above refer to these values; they decide which other values an owner may choose.
package enum SessionDefaults {
    /// The payload of a record at the beginning of a burst, in bytes: such a record fits into three TCP segments.
    ///
    /// Larger: the first byte of a reply comes later on a slow line. Smaller: the 20 bytes of overhead per record weigh more.
    package static let chunk = 4096
    /// The payload of a record in a burst that lasts, in bytes: each record costs a fixed amount of work.
    ///
    /// Larger: the protocol does not allow it. Smaller: less memory for each link, and less throughput.
    package static let maxRecord = Int(SessionParameters.recordRange.upperBound)

    /// The credit of a new stream, in bytes: enough for 100 Mbit/s at 20 ms without growth.
    ///
    /// Larger: many stalled streams may hold more memory. Smaller: transfers over long paths need more round trips to speed up.
    package static let streamWindow = 256 << 10
    /// The limit to which the credit of one stream may grow, in bytes: enough for 1 Gbit/s at 130 ms.
    ///
    /// Larger: one stream gets faster on a very long and fast path, and one stalled reader may hold more memory. Smaller: less
    /// memory, and slower bulk transfer over long paths.
    package static let maxStreamWindow = 16 << 20
    /// The initial credit of all streams of a session together, in bytes: sixteen new streams at full window.
    ///
    /// Larger: a peer can make this end hold more memory before the peer has shown that it reads. Smaller: a few stalled streams
    /// hold up the others.
    package static let sessionWindow = 4 << 20
    /// The maximum number of open streams of the peer: a service with thousands of idle visitors is an ordinary case.
    ///
    /// Larger: one peer may take more sockets of this process. Smaller: visitors of a busy route are refused.
    package static let maxStreams = 16384

    /// The time without bytes from the peer after which this end sends a PING.
    ///
    /// It is shorter than the 30 s after which some NAT devices drop the state of a quiet connection. Larger: such a device cuts
    /// the link. Smaller: more traffic on idle links, and radios that never sleep.
    package static let keepAliveInterval = Duration.seconds(15)
    /// The time without bytes from the peer after which this end gives the link up.
    ///
    /// It is three unanswered intervals, because one lost PING does not mean a dead peer. Larger: streams hang for longer when a
    /// peer loses power. Smaller: a short outage costs a link.
    package static let keepAliveTimeout = Duration.seconds(45)

    /// The time for which a session that has lost its link waits for another one.
    ///
    /// It is long enough for a router that restarts, a train in a tunnel, or a walk from one network to the next. Larger: streams
    /// outlast longer gaps, and hold sockets and memory for peers that never come back. Smaller: a session holds less, and fewer
    /// streams survive.
    package static let resumeWindow = Duration.seconds(120)
    /// The limit on the records that a session keeps until the peer acknowledges them, in bytes: enough for 1 Gbit/s at 130 ms.
    ///
    /// It is as much as one stream may be granted. Larger: a session can fill longer and faster paths, and may hold more memory
    /// if its peer does not answer. Smaller: the bytes in flight limit the throughput, because this end stops reading from
    /// visitors and targets when the log is full.
    package static let resumeBuffer = 16 << 20
}
