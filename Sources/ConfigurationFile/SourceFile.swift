/// The text of one file, cut into lines, with the name it is shown under.
///
/// It does not change, and any thread may read it. Two files are equal if they are the same object.
package final class SourceFile: Sendable {
    /// What messages call it: the path as the operator gave it.
    package let name: String
    /// Its place in the order in which files were read, which is the order of their faults.
    package let ordinal: Int
    /// The lines without their ends; a byte sequence that is not UTF-8 is one U+FFFD.
    let lines: [[Unicode.Scalar]]
    /// The bytes in each line that are not UTF-8: the number of the line from 0, and the column of the first.
    let brokenColumns: [(line: Int, column: Int)]
    /// Whether the text was longer than `maxText` and was therefore not looked at.
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

    /// A file of a given text.
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

    /// The most bytes of a file.
    ///
    /// Four thousand sections of ten lines fit in. A larger file is no configuration (a log, a core dump, `/dev/zero`),
    /// and reading it would hold up a reload; a smaller limit would stop generated files.
    package static let maxText = 1 << 20
}

extension SourceFile: Hashable {
    /// Whether the two are the same object.
    package static func == (left: SourceFile, right: SourceFile) -> Bool {
        left === right
    }

    /// Hashes the identity of the object.
    package func hash(into hasher: inout Hasher) {
        hasher.combine(ObjectIdentifier(self))
    }
}
