import Basics
import Logging

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

    /// The time in UTC.
    ///
    /// The algorithm from days to a date is that of Hinnant, "chrono-Compatible Low-Level Date Algorithms".
    private var time: String {
        let days = seconds / 86400
        let rest = seconds % 86400
        let shifted = days + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        let date = "\(year.digits(4))-\(month.digits(2))-\(day.digits(2))"
        let clock = "\((rest / 3600).digits(2)):\((rest / 60 % 60).digits(2)):\((rest % 60).digits(2))"
        return "\(date)T\(clock).\(milliseconds.digits(3))Z"
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
