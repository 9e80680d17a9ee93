/// Durations as text: a whole number and one of the units `ms s m h d`, as in `500ms`, `10s`, `5m`.
///
/// The unit is mandatory: programs disagree on whether a bare number is in seconds or milliseconds.
package enum DurationText {
    /// Reads a duration.
    package static func parse(_ text: String) throws(ValueFault) -> Duration {
        let (number, unit) = ValueDecoding.numberAndUnit(text)
        guard !number.isEmpty else {
            throw ValueFault("`\(text)` is not a duration", hint: "write a number and a unit, as in `10s`")
        }
        guard let unitInMilliseconds = units.first(where: { $0.name == unit })?.milliseconds else {
            throw unknownUnit(unit, after: number, in: text)
        }
        guard let count = Int64(number),
            case let (total, overflow) = count.multipliedReportingOverflow(by: unitInMilliseconds),
            !overflow
        else {
            throw ValueFault("`\(text)` is too long")
        }
        return .milliseconds(total)
    }

    /// Reads a duration, or `off`, which is nil.
    package static func parseOrOff(_ text: String) throws(ValueFault) -> Duration? {
        text.lowercased() == "off" ? nil : try parse(text)
    }

    /// Returns the shortest text that ``parse(_:)`` reads as the same duration, which must be in whole milliseconds.
    package static func text(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1000)
        let (milliseconds, sumOverflow) = product.addingReportingOverflow(attoseconds / 1_000_000_000_000_000)
        guard !overflow, !sumOverflow, milliseconds >= 0 else { return duration.description }
        guard milliseconds > 0 else { return "0s" }
        let unit = units.last { milliseconds.isMultiple(of: $0.milliseconds) } ?? units[0]
        return "\(milliseconds / unit.milliseconds)\(unit.name)"
    }

    /// Returns the text of a duration, or `off` for nil.
    package static func text(_ duration: Duration?) -> String {
        duration.map { text($0) } ?? "off"
    }

    private static func unknownUnit(_ unit: String, after number: Substring, in text: String) -> ValueFault {
        if unit.isEmpty {
            return ValueFault(
                "`\(text)` has no unit",
                hint: "for seconds write `\(number)s`, for milliseconds `\(number)ms`"
            )
        }
        if unit.hasPrefix(".") || unit.hasPrefix(",") {
            return ValueFault(
                "`\(text)` is not a whole number",
                hint: "take the next smaller unit, as in `1500ms` for 1.5 s"
            )
        }
        return ValueFault(
            "`\(text)` is not a duration",
            hint: "the units are `ms`, `s`, `m`, `h` and `d`, as in `10s`"
        )
    }

    private static let units: [(name: String, milliseconds: Int64)] = [
        ("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000),
    ]
}
