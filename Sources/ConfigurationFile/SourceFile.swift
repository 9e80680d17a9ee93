/// The text of one file, split into lines, with the name that messages show.
///
/// It is immutable, and any thread may read it. Two files are equal only if they are the same object.
package final class SourceFile: Sendable {
    /// The name in messages: the path as the operator wrote it.
    package let name: String
    /// The file's number in reading order; diagnostics are sorted by it.
    package let ordinal: Int
    /// The lines without their line ends, with U+FFFD for each byte sequence that is not UTF-8.
    let lines: [[Unicode.Scalar]]
    /// The lines with bytes that are not UTF-8: the number of the line from 0, and the column of the first such byte.
    let brokenColumns: [(line: Int, column: Int)]
    /// Whether the text is longer than `maxText` and was therefore not read.
    let isTooLong: Bool

    /// Decodes UTF-8, with or without a byte order mark; lines end with LF or CR LF.
    package init(name: String, ordinal: Int = 0, bytes: some BidirectionalCollection<UInt8>) {
        self.name = name
        self.ordinal = ordinal
        isTooLong = bytes.count > Self.maxText
        var lines: [[Unicode.Scalar]] = []
        var brokenColumns: [(line: Int, column: Int)] = []
        if !isTooLong {
            let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
            let text = bytes.starts(with: mark) ? bytes.dropFirst(mark.count) : bytes[...]
            for var line in text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
                if line.last == UInt8(ascii: "\r") { line = line.dropLast() }
                let (scalars, brokenColumn) = Self.decode(line)
                if let brokenColumn { brokenColumns.append((lines.count, brokenColumn)) }
                lines.append(scalars)
            }
        }
        self.lines = lines
        self.brokenColumns = brokenColumns
    }

    /// A file with the given text.
    package convenience init(name: String, ordinal: Int = 0, text: String) {
        self.init(name: name, ordinal: ordinal, bytes: Array(text.utf8))
    }

    private static func decode(_ bytes: some Collection<UInt8>) -> ([Unicode.Scalar], brokenColumn: Int?) {
        var scalars: [Unicode.Scalar] = []
        scalars.reserveCapacity(bytes.count)
        var brokenColumn: Int?
        var decoder = UTF8()
        var iterator = bytes.makeIterator()
        while true {
            switch decoder.decode(&iterator) {
            case .scalarValue(let scalar):
                scalars.append(scalar)
            case .error:
                scalars.append("\u{FFFD}")
                brokenColumn = brokenColumn ?? scalars.count
            case .emptyInput:
                return (scalars, brokenColumn)
            }
        }
    }

    /// The maximum size of a file, in bytes.
    ///
    /// Four thousand sections of ten lines fit in. Larger: a file of that size is not a configuration (but a log, a core dump,
    /// `/dev/zero`), and reading it would delay a reload. Smaller: generated files would be rejected.
    package static let maxText = 1 << 20
}

extension SourceFile: Hashable {
    /// Whether both are the same object.
    package static func == (left: SourceFile, right: SourceFile) -> Bool {
        left === right
    }

    /// Hashes the identity of the object.
    package func hash(into hasher: inout Hasher) {
        hasher.combine(ObjectIdentifier(self))
    }
}
