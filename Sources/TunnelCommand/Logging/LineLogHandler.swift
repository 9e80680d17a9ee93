import Logging
import Platform
import Tunnel

/// Writes log events as lines of text or JSON.
struct LineLogHandler: LogHandler {
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]
    private let format: LogSettings.Format
    private let destination: LogDestination

    init(_ settings: LogSettings, destination: LogDestination) {
        logLevel = settings.level.logger
        format = settings.format
        self.destination = destination
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let time = SystemClock.wallClock
        let fields = event.metadata.map { metadata.merging($0) { _, new in new } } ?? metadata
        let line = LogLine(
            seconds: time.seconds,
            milliseconds: time.nanoseconds / 1_000_000,
            level: event.level,
            message: event.message.description,
            metadata: fields
        )
        destination.write(format == .json ? line.json : line.text)
    }
}

extension LogSettings.Level {
    var logger: Logger.Level {
        switch self {
        case .error: .error
        case .warning: .warning
        case .info: .info
        case .debug: .debug
        }
    }
}
