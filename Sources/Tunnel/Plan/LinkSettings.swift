import SecureLink

/// The settings of links with peers: deadlines, sizes of records, credit for streams.
///
/// Every server and every peer has one. The ranges are checked by `TunnelConfiguration.init`, not here.
package struct LinkSettings: Hashable, Sendable {
    /// The time limit from the first byte of a link until both ends have proved that they know the password.
    package var handshakeTimeout: Duration
    /// The silence after which this end pings the peer, and the silence after which it gives up the link.
    package var keepalive: Keepalive
    /// Bytes of payload in a record at the beginning of a burst; a burst that lasts uses up to `maxRecord`.
    package var chunk: Int
    /// The maximum number of payload bytes in one record: announced to the peer, and never less than `chunk`.
    package var maxRecord: Int
    /// Credit for each stream.
    package var window: Window
    /// The resumption of sessions that have lost their link.
    package var resumption: Resumption

    /// Settings of a link; omitted values have their defaults.
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

    package static let defaultHandshakeTimeout = LinkOptions.standard.handshakeTimeout
    /// Below a second, ordinary packet loss makes logins fail; beyond five minutes, no client waits.
    package static let handshakeTimeoutRange = Duration.milliseconds(500)...Duration.seconds(300)

    package static let defaultChunk = LinkOptions.standard.chunk
    /// Up to the largest record; at 1 KiB the overhead is still below 2 %.
    package static let chunkRange = 1024...65536

    package static let defaultMaxRecord = LinkOptions.standard.maxRecord
    /// The sizes that the protocol allows a peer to announce.
    package static let maxRecordRange = 1024...65536
}

extension LinkSettings {
    /// The detection of a peer that is gone without having closed the link.
    ///
    /// It cannot be switched off: a tunnel without it would keep the streams of a dead peer forever.
    package struct Keepalive: Hashable, Sendable {
        /// The silence after which this end pings the peer.
        package var interval: Duration
        /// The silence after which this end gives up the link; longer than `interval`.
        package var dead: Duration

        /// Two time limits; omitted values have their defaults.
        package init(interval: Duration = Self.defaultInterval, dead: Duration = Self.defaultDead) {
            self.interval = interval
            self.dead = dead
        }

        package static let defaultInterval = LinkOptions.standard.keepAliveInterval
        package static let defaultDead = LinkOptions.standard.keepAliveTimeout
        /// The number of intervals that make up `dead` if only the interval is given.
        package static let deadPerInterval = 3
        /// Below a second, idle links cause noticeable load; beyond ten minutes, stateful firewalls drop their state.
        package static let intervalRange = Duration.seconds(1)...Duration.seconds(600)
        /// Up to an hour; the lower end is only reached with the shortest interval.
        package static let deadRange = Duration.seconds(2)...Duration.seconds(3600)
    }

    /// The credit of a stream: the bytes that a peer may send before the local socket has taken them.
    package struct Window: Hashable, Sendable {
        /// Bytes of credit that a stream starts with.
        package var initial: Int
        /// Bytes of credit that a stream may grow to if the round-trip time requires it; never less than `initial`.
        package var maximum: Int

        /// An initial and a maximum credit, in bytes; omitted values have their defaults.
        package init(initial: Int = Self.defaultInitial, maximum: Int = Self.defaultMaximum) {
            self.initial = initial
            self.maximum = maximum
        }

        package static let defaultInitial = LinkOptions.standard.streamWindow
        package static let defaultMaximum = LinkOptions.standard.maxStreamWindow
        /// At least a full record, or a stream would stall in the middle of each one; at most what one stream may cost.
        package static let range = 65536...(1 << 30)
    }

    /// The time and the memory for resuming a session that has lost its link.
    package struct Resumption: Hashable, Sendable {
        /// The time that a session waits for another link.
        package var window: Duration
        /// Bytes of records that a session keeps until the peer has acknowledged them; 0 means that a session ends with
        /// its link.
        package var buffer: Int

        /// A time and a number of bytes; omitted values have their defaults.
        package init(window: Duration = Self.defaultWindow, buffer: Int = Self.defaultBuffer) {
            self.window = window
            self.buffer = buffer
        }

        package static let defaultWindow = LinkOptions.standard.resumeWindow
        /// From the time that a change of network takes to a day, after which no application waits any more.
        package static let windowRange = Duration.seconds(1)...Duration.seconds(86400)
        package static let defaultBuffer = LinkOptions.standard.resumeBuffer
        /// At least a few records of the largest size; at most the memory that one session may cost.
        package static let bufferRange = (256 << 10)...(1 << 30)
    }
}
