import Testing

/// `#expect` for a condition that mutates a value or reads a noncopyable one.
///
/// The macro copies the parts of its condition to show them, and such parts cannot be copied.
func expect(
    _ condition: Bool,
    _ comment: @autoclosure () -> Comment? = nil,
    sourceLocation: SourceLocation = #_sourceLocation
) {
    #expect(condition, comment(), sourceLocation: sourceLocation)
}
