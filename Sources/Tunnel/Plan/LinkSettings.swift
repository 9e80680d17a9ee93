import SecureLink

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

    package static let defaultHandshakeTimeout = LinkOptions.standard.handshakeTimeout
    /// Below a second ordinary packet loss fails logins; beyond five minutes nobody waits.
    package static let handshakeTimeoutRange = Duration.milliseconds(500)...Duration.seconds(300)

    package static let defaultChunk = LinkOptions.standard.chunk
    /// Up to the largest record; 1 KiB keeps the overhead below 2 %.
    package static let chunkRange = 1024...65536

    package static let defaultMaxRecord = LinkOptions.standard.maxRecord
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

        package static let defaultInterval = LinkOptions.standard.keepAliveInterval
        package static let defaultDead = LinkOptions.standard.keepAliveTimeout
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

        package static let defaultInitial = LinkOptions.standard.streamWindow
        package static let defaultMaximum = LinkOptions.standard.maxStreamWindow
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

        package static let defaultWindow = LinkOptions.standard.resumeWindow
        /// From what a change of network takes to a day, after which no application waits any more.
        package static let windowRange = Duration.seconds(1)...Duration.seconds(86400)
        package static let defaultBuffer = LinkOptions.standard.resumeBuffer
        /// At least some records of the largest size; at most what one session may cost.
        package static let bufferRange = (256 << 10)...(1 << 30)
    }
}
