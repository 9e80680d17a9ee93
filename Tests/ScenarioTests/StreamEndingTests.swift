import Testing

/// How a stream ends, as the applications at both ends and the logs of both ends see it.
@Suite(.serialized, .enabled(if: Sallyport.isThere, "there is no release binary: make build"))
struct StreamEndingTests {
    @Test func aRequestAfterWhichTheVisitorEndsIsAnsweredInFull() throws {
        let target = try PlainListener(.ipv4(port: 0))
        let pair = try TunnelPair(to: target.address)
        let visitor = try pair.connect()
        try visitor.write("question")
        visitor.finish()
        let served = try target.accept()
        let asked = try served.readToEnd()
        #expect(asked.bytes == Array("question".utf8))
        #expect(asked.end == .end)
        let answer = [UInt8](repeating: 0x61, count: 3 << 20)
        try served.write(answer)
        served.close()
        let answered = try visitor.readToEnd()
        #expect(answered.bytes == answer)
        #expect(answered.end == .end)
        visitor.close()

        let lines = try pair.streamLines()
        for line in [lines.client, lines.server] {
            #expect(line["why"] == "fin")
            #expect(line["up"] == "8B")
            #expect(line["down"] == "3.0MiB")
        }
        #expect(lines.client["id"] == lines.server["id"])
    }
}
