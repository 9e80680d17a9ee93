/// How this end treats the links it keeps with peers: deadlines, sizes of records, credit for streams.
///
/// Every server and every peer has one. The ranges are checked by `TunnelConfiguration.init`, not here.
package struct LinkSettings: Hashable, Sendable {
    /// From the first byte of a link until both ends have proved that they know the password.
    package var handshakeTimeout: Duration
    /// When a silent link is asked whether it still lives, and when it is given up.
    package var keepalive: Keepalive
    /// Bytes of payload in a record while a link starts up; a link in bulk transfer uses up to `maxRecord`.
    package var chunk: Int
    /// The most bytes of payload in one record, told to the peer, and never less than `chunk`.
    package var maxRecord: Int
    /// Credit for each stream.
    package var window: Window
    /// What a session does that has lost its link.
    package var resumption: Resumption

    /// Settings of a link; what is left out has its default.
    package init(
        handshakeTimeout: Duration = Self.defaultHandshakeTimeout,
        keepalive: Keepalive = Keepalive(),
        chunk: Int = Self.defaultChunk,
        maxRecord: Int = Self.defaultMaxRecord,
        window: Window = Window(),
        resumption: Resumption = Resumption()
    ) {
        self.handshakeTimeout = handshakeTimeout
        self.keepalive = keepalive
        self.chunk = chunk
        self.maxRecord = maxRecord
        self.window = window
        self.resumption = resumption
    }

    /// A handshake is two round trips and about a millisecond of arithmetic at each end.
    ///
    /// Larger: a stranger holds one of the few handshake places for longer. Smaller: a peer behind a satellite or a
    /// crowded radio cell does not get in.
    package static let defaultHandshakeTimeout = Duration.seconds(10)
    /// Below a second ordinary packet loss fails logins; beyond five minutes nobody waits.
    package static let handshakeTimeoutRange = Duration.milliseconds(500)...Duration.seconds(300)

    /// One record fits into three TCP segments, so that the first bytes of an answer wait for little.
    ///
    /// Larger: the first byte of a reply comes later on a slow line. Smaller: the 20 bytes a record costs weigh more.
    package static let defaultChunk = 4096
    /// Up to the largest record; 1 KiB keeps the overhead below 2 %.
    package static let chunkRange = 1024...65536

    /// In bulk every record costs a fixed amount of work, which 64 KiB makes small.
    ///
    /// Larger is not possible in the protocol. Smaller: less memory for each link, and less throughput.
    package static let defaultMaxRecord = 65536
    /// What a peer may announce in this protocol.
    package static let maxRecordRange = 1024...65536
}

extension LinkSettings {
    /// How a link whose peer is gone without a word is noticed.
    ///
    /// It cannot be switched off: a tunnel without it would keep the streams of a dead peer for ever.
    package struct Keepalive: Hashable, Sendable {
        /// Silence after which the peer is asked for a sign of life.
        package var interval: Duration
        /// Silence after which the link is given up; longer than `interval`.
        package var dead: Duration

        /// A pair of waiting times; what is left out has its default.
        package init(interval: Duration = Self.defaultInterval, dead: Duration = Self.defaultDead) {
            self.interval = interval
            self.dead = dead
        }

        /// Shorter than the 30 s after which some NAT devices forget a quiet connection.
        ///
        /// Larger: such a device cuts the link. Smaller: more traffic on idle links, and radios that never sleep.
        package static let defaultInterval = Duration.seconds(15)
        /// Three unanswered intervals: one lost question is not a dead peer.
        ///
        /// Larger: streams hang for longer when a peer loses power. Smaller: a short outage costs all streams.
        package static let defaultDead = Duration.seconds(45)
        /// How many intervals the link is given where only an interval is named.
        package static let deadPerInterval = 3
        /// Below a second idle links cause noticeable load; beyond ten minutes stateful firewalls forget them.
        package static let intervalRange = Duration.seconds(1)...Duration.seconds(600)
        /// Up to an hour; the lower end is only reached with the shortest interval.
        package static let deadRange = Duration.seconds(2)...Duration.seconds(3600)
    }

    /// How far a peer may send ahead on one stream before the local socket has taken what it sent.
    package struct Window: Hashable, Sendable {
        /// Bytes of credit a stream starts with.
        package var initial: Int
        /// Bytes to which the credit may grow when the round trip asks for it; never less than `initial`.
        package var maximum: Int

        /// A start and an end of growth, in bytes; what is left out has its default.
        package init(initial: Int = Self.defaultInitial, maximum: Int = Self.defaultMaximum) {
            self.initial = initial
            self.maximum = maximum
        }

        /// Enough to fill 100 Mbit/s at 20 ms without any growth.
        ///
        /// Larger: many stalled streams may hold more memory. Smaller: long lines need more round trips to speed up.
        package static let defaultInitial = 256 << 10
        /// Enough for 1 Gbit/s at 130 ms.
        ///
        /// Larger: one stream on a very long and fast line gets quicker, and one stalled reader may hold more memory.
        /// Smaller: less memory, slower bulk transfer over long lines.
        package static let defaultMaximum = 16 << 20
        /// At least a full record, or a stream would stop in the middle of each; at most what one stream may cost.
        package static let range = 65536...(1 << 30)
    }

    /// For how long and with how much a session goes on that has lost its link.
    package struct Resumption: Hashable, Sendable {
        /// How long a session waits for another link.
        package var window: Duration
        /// Bytes of records that a session keeps until the peer has acknowledged them; 0 means that a session ends with
        /// its link.
        package var buffer: Int

        /// A time and a number of bytes; what is left out has its default.
        package init(window: Duration = Self.defaultWindow, buffer: Int = Self.defaultBuffer) {
            self.window = window
            self.buffer = buffer
        }

        /// A router that starts anew, a tunnel under a mountain, the walk from one room to another.
        ///
        /// Larger: streams outlast longer gaps, and hold sockets and memory for peers that never come back. Smaller:
        /// less is held, and less survives.
        package static let defaultWindow = Duration.seconds(120)
        /// From what a change of network takes to a day, after which no application waits any more.
        package static let windowRange = Duration.seconds(1)...Duration.seconds(86400)
        /// Enough for 1 Gbit/s at 130 ms, and as much as one stream may be granted.
        ///
        /// Larger: longer and faster lines are filled, and a session whose peer is gone may hold more memory. Smaller:
        /// what is under way is the bound of what a line carries.
        package static let defaultBuffer = 16 << 20
        /// At least some records of the largest size; at most what one session may cost.
        package static let bufferRange = (256 << 10)...(1 << 30)
    }
}
