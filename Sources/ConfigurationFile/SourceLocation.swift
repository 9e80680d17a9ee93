import Basics

/// A run of characters on one line of a file, for a message to point at.
package struct SourceLocation: Hashable, Sendable {
    /// The file.
    package let file: SourceFile
    /// The line, from 1.
    package let line: Int
    /// The first character, from 1, counted in Unicode scalars; the end of the line is one past its last character.
    package let column: Int
    /// The number of characters; 0 is a position between two characters.
    package let length: Int

    /// The location of the characters with these numbers, from 0, on a line.
    init(file: SourceFile, line: Int, characters: Range<Int>) {
        self.file = file
        self.line = line
        column = characters.lowerBound + 1
        length = characters.count
    }
}

extension SourceFile {
    /// The position before the first character, for a message about the file as a whole.
    package var start: SourceLocation {
        SourceLocation(file: self, line: 1, characters: 0..<0)
    }
}

extension SourceLocation: Comparable {
    /// Orders locations by the order in which the files were read, then by line, then by column.
    package static func < (left: SourceLocation, right: SourceLocation) -> Bool {
        (left.file.ordinal, left.line, left.column, left.length)
            < (right.file.ordinal, right.line, right.column, right.length)
    }
}

extension SourceLocation: CustomStringConvertible {
    /// The form `file:line:column`, which editors can jump to.
    package var description: String {
        "\(file.name.visible):\(line):\(column)"
    }
}
