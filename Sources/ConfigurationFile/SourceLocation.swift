import Basics

/// A run of characters on one line of a file, which a message can point at.
package struct SourceLocation: Hashable, Sendable {
    /// The file.
    package let file: SourceFile
    /// The line, from 1.
    package let line: Int
    /// The first character, from 1, counted in Unicode scalars; one past the line is its end.
    package let column: Int
    /// How many characters it is long; 0 is a place between two characters.
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
    /// The place before the first character, for what is about the file as such.
    package var start: SourceLocation {
        SourceLocation(file: self, line: 1, characters: 0..<0)
    }
}

extension SourceLocation: Comparable {
    /// Whether one comes before the other: by the order in which files were read, then by line, then by column.
    package static func < (left: SourceLocation, right: SourceLocation) -> Bool {
        (left.file.ordinal, left.line, left.column, left.length)
            < (right.file.ordinal, right.line, right.column, right.length)
    }
}

extension SourceLocation: CustomStringConvertible {
    /// `file:line:column`, the form that editors jump to.
    package var description: String {
        "\(file.name.visible):\(line):\(column)"
    }
}
