import Testing

/// Targets that speak before they are asked, as SSH, SMTP and MySQL do.
@Suite(.serialized, .enabled(if: Sallyport.isThere, "there is no release binary: make build"))
struct FirstWordsTests {
    @Test(arguments: [false, true])
    func aTargetThatSpeaksFirstIsAlwaysHeard(isUnix: Bool) throws {
        let folder = try TemporaryFolder()
        let target = try PlainListener(isUnix ? .unix(path: "\(folder.path)/target") : .ipv4(port: 0))
        target.serve { served in
            try served.write("welcome")
            _ = try served.readToEnd()
        }
        let pair = try TunnelPair(to: target.address)
        // Its words race with the news that it is connected.
        for _ in 0..<100 {
            let visitor = try pair.connect()
            #expect(try visitor.read(7) == Array("welcome".utf8))
            visitor.finish()
            #expect(try visitor.readToEnd().end == .end)
        }
    }

    @Test func aTargetThatSpeaksAndLeavesAtOnceIsHeardToTheEnd() throws {
        let target = try PlainListener(.ipv4(port: 0))
        target.serve { try $0.write("busy, come back later") }
        let pair = try TunnelPair(to: target.address)
        for _ in 0..<100 {
            let visitor = try pair.connect()
            let heard = try visitor.readToEnd()
            #expect(heard.bytes == Array("busy, come back later".utf8))
            #expect(heard.end == .end)
        }
        try Waiting.until("a line for each at both ends") {
            pair.client.lines(with: "stream closed", "why=fin").count == 100
                && pair.server.lines(with: "stream closed", "why=fin").count == 100
        }
        // Every stream has its own name, and the same at both ends.
        let atClient = pair.client.lines(with: "stream closed").map { StreamLine($0)["id"] }
        let atServer = pair.server.lines(with: "stream closed").map { StreamLine($0)["id"] }
        #expect(Set(atClient).count == 100)
        #expect(atClient.sorted() == atServer.sorted())
    }
}
