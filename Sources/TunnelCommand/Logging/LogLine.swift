import Basics
import Logging
import Platform

/// One line of the log, as text or as JSON, with the same fields in the same order.
struct LogLine {
    let seconds: Int
    let milliseconds: Int
    let level: Logger.Level
    let message: String
    let fields: [(name: String, value: String)]

    /// The order of the fields; all other fields follow, sorted by name.
    private static let order = [
        "id", "server", "route", "service", "peer", "user", "what", "from", "to", "address", "up", "down",
        "took",
        "streams",
        "count", "why", "by", "text",
    ]
    private static let ranks = Dictionary(
        uniqueKeysWithValues: order.enumerated().map { ($0.element, $0.offset) }
    )

    init(
        seconds: Int,
        milliseconds: Int,
        level: Logger.Level,
        message: String,
        metadata: Logger.Metadata
    ) {
        self.seconds = seconds
        self.milliseconds = milliseconds
        self.level = level
        self.message = message
        fields = metadata.map { ($0.key, $0.value.description) }.sorted { left, right in
            let ranks = (Self.ranks[left.0] ?? Self.order.count, Self.ranks[right.0] ?? Self.order.count)
            return ranks.0 == ranks.1 ? left.0 < right.0 : ranks.0 < ranks.1
        }
    }

    /// The line as text: `2026-01-31T12:34:56.123Z info  stream closed id=… why=fin by=target`.
    var text: String {
        var line = "\(time) \(levelName.padded(to: 7)) \(message)"
        for field in fields { line += " \(field.name)=\(field.value.quotedIfNeeded)" }
        return line
    }

    /// The line as a JSON object.
    var json: String {
        var line = "{\"time\":\"\(time)\",\"level\":\"\(levelName)\",\"message\":\(message.json)"
        for field in fields { line += ",\(field.name.json):\(field.value.json)" }
        return line + "}"
    }

    private var levelName: String {
        switch level {
        case .trace, .debug: "debug"
        case .info, .notice: "info"
        case .warning: "warning"
        case .error, .critical: "error"
        }
    }

    /// The time in UTC, as RFC 3339 writes it.
    private var time: String {
        "\(UTCTime.text(seconds)).\(milliseconds.digits(3))Z"
    }
}

extension Int {
    fileprivate func digits(_ count: Int) -> String {
        let text = String(self)
        return String(repeating: "0", count: Swift.max(0, count - text.utf8.count)) + text
    }
}

extension String {
    fileprivate func padded(to count: Int) -> String {
        self + String(repeating: " ", count: Swift.max(0, count - utf8.count))
    }

    /// The text unchanged if it is one word, otherwise as a JSON string in quotation marks.
    fileprivate var quotedIfNeeded: String {
        let isWord =
            !isEmpty
            && unicodeScalars.allSatisfy { $0.value > 0x20 && $0.value < 0x7F && $0 != "\"" && $0 != "\\" }
        return isWord ? self : json
    }

    /// The text as a JSON string; nothing in it can end the line or move the cursor of a terminal.
    fileprivate var json: String {
        var text = "\""
        for scalar in unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\t": text += "\\t"
            case _ where scalar.isInvisible:
                // JSON writes a character beyond U+FFFF as two escapes (RFC 8259 section 7).
                for unit in scalar.utf16 {
                    let digits = String(unit, radix: 16)
                    text += "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
                }
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text + "\""
    }
}
