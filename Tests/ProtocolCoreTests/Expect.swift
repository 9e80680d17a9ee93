import Testing

/// `#expect` for a condition that changes what it looks at, or that is read off something noncopyable: the macro takes
/// its parts aside to show them, and such parts cannot be taken aside.
func expect(
    _ condition: Bool,
    _ comment: @autoclosure () -> Comment? = nil,
    sourceLocation: SourceLocation = #_sourceLocation
) {
    #expect(condition, comment(), sourceLocation: sourceLocation)
}
