import Testing

extension TunnelPair {
    /// Opens a stream and passes bytes in both directions; returns the visitor's socket and the target's.
    func stream(with target: PlainListener) throws -> (visitor: PlainSocket, served: PlainSocket) {
        let visitor = try connect()
        try visitor.write("ping")
        let served = try target.accept()
        _ = try served.read(4)
        try served.write("pong")
        _ = try visitor.read(4)
        return (visitor, served)
    }

    /// Expects one log line at each end for the only stream so far; both must agree on the stream and its end.
    func expectOneLine(
        why: Substring,
        by: Substring,
        location: SourceLocation = #_sourceLocation
    ) throws {
        let lines = try streamLines()
        for line in [lines.client, lines.server] {
            #expect(line["why"] == why, sourceLocation: location)
            #expect(line["by"] == by, sourceLocation: location)
            #expect(line["up"] == "4B", sourceLocation: location)
            #expect(line["down"] == "4B", sourceLocation: location)
        }
        #expect(lines.client["id"] == lines.server["id"], sourceLocation: location)
    }
}
