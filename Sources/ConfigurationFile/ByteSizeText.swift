/// Sizes as text: a whole number of bytes, or of `KiB MiB GiB TiB` (powers of 1024) or `kB MB GB TB` (powers of 1000).
///
/// A bare `K`, `M` or `G` is rejected: half of all programs read it as a power of 1024, half as a power of 1000.
package enum ByteSizeText {
    /// Reads a size, in bytes.
    package static func parse(_ text: String) throws(ValueFault) -> Int {
        let (number, unit) = ValueDecoding.numberAndUnit(text)
        guard !number.isEmpty else {
            throw ValueFault("`\(text)` is not a size", hint: "write a number and a unit, as in `64KiB`")
        }
        guard
            let unitInBytes = (binaryUnits + decimalUnits).first(where: { $0.name.lowercased() == unit })?
                .bytes
        else {
            throw unknownUnit(unit, after: number, in: text)
        }
        guard let count = Int(number),
            case let (total, overflow) = count.multipliedReportingOverflow(by: unitInBytes),
            !overflow
        else {
            throw ValueFault("`\(text)` is too large")
        }
        return total
    }

    /// Returns the shortest text that ``parse(_:)`` reads as the same number of bytes.
    package static func text(_ bytes: Int) -> String {
        guard bytes > 0, let unit = binaryUnits.last(where: { bytes.isMultiple(of: $0.bytes) }) else {
            return "\(bytes)"
        }
        return "\(bytes / unit.bytes)\(unit.name)"
    }

    private static func unknownUnit(_ unit: String, after number: Substring, in text: String) -> ValueFault {
        if ["k", "m", "g", "t"].contains(unit) {
            let letter = unit.uppercased()
            return ValueFault(
                "`\(text)` can mean powers of 1024 or of 1000",
                hint: "write `\(number)\(letter)iB` or `\(number)\(unit == "k" ? "k" : letter)B`"
            )
        }
        return ValueFault(
            "`\(text)` is not a size",
            hint: "the units are `KiB`, `MiB`, `GiB`, `TiB`, and `kB`, `MB`, `GB`, `TB`"
        )
    }

    private static let binaryUnits: [(name: String, bytes: Int)] = [
        ("", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40),
    ]
    private static let decimalUnits: [(name: String, bytes: Int)] = [
        ("B", 1), ("kB", 1000), ("MB", 1_000_000), ("GB", 1_000_000_000), ("TB", 1_000_000_000_000),
    ]
}

/// A size in bytes, or as a percentage of a whole that is known only later.
package enum ByteShare: Hashable, Sendable {
    /// A number of bytes.
    case bytes(Int)
    /// A percentage of the whole, 1 to 100.
    case percent(Int)

    /// Reads `25%` or a size.
    package init(parsing text: String) throws(ValueFault) {
        guard text.hasSuffix("%") else {
            self = .bytes(try ByteSizeText.parse(text))
            return
        }
        guard ValueDecoding.isDecimal(text.dropLast()), let percent = Int(text.dropLast()),
            (1...100).contains(percent)
        else {
            throw ValueFault("`\(text)` is not a share", hint: "write a whole number from 1 to 100 and `%`")
        }
        self = .percent(percent)
    }

    /// Returns the size in bytes, given the whole.
    package func bytes(of whole: Int) -> Int {
        switch self {
        case .bytes(let bytes): bytes
        // Use double width: the product may overflow, but the quotient is at most the whole.
        case .percent(let percent): 100.dividingFullWidth(whole.multipliedFullWidth(by: percent)).quotient
        }
    }
}
