import SecureLink

extension LinkOptions {
    /// The options that the configuration sets.
    init(_ settings: LinkSettings, _ limits: ProcessLimits) {
        self.init()
        handshakeTimeout = settings.handshakeTimeout
        keepAliveInterval = settings.keepalive.interval
        keepAliveTimeout = settings.keepalive.dead
        chunk = settings.chunk
        maxRecord = settings.maxRecord
        streamWindow = settings.window.initial
        maxStreamWindow = settings.window.maximum
        maxStreams = limits.maxStreams
        resumeWindow = settings.resumption.window
        resumeBuffer = settings.resumption.buffer
    }
}
