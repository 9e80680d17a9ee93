import Testing

/// Targets that send before the visitor does, as SSH, SMTP and MySQL servers do.
@Suite(.serialized, .enabled(if: Sallyport.isThere, "there is no release binary: make build"))
struct TargetSpeaksFirstTests {
    @Test(arguments: [false, true])
    func theBytesOfATargetThatSpeaksFirstAlwaysArrive(isUnix: Bool) throws {
        let folder = try TemporaryFolder()
        let target = try PlainListener(isUnix ? .unix(path: "\(folder.path)/target") : .ipv4(port: 0))
        target.serve { served in
            try served.write("welcome")
            _ = try served.readToEnd()
        }
        let pair = try TunnelPair(to: target.address)
        // The target's bytes race with the report that it is connected.
        for _ in 0..<100 {
            let visitor = try pair.connect()
            #expect(try visitor.read(7) == Array("welcome".utf8))
            visitor.finish()
            #expect(try visitor.readToEnd().end == .end)
        }
    }

    @Test func theBytesOfATargetThatClosesAtOnceArriveInFull() throws {
        let target = try PlainListener(.ipv4(port: 0))
        target.serve { try $0.write("busy, come back later") }
        let pair = try TunnelPair(to: target.address)
        for _ in 0..<100 {
            let visitor = try pair.connect()
            let received = try visitor.readToEnd()
            #expect(received.bytes == Array("busy, come back later".utf8))
            #expect(received.end == .end)
        }
        try Waiting.until("a line for each at both ends") {
            pair.client.lines(with: "stream closed", "why=fin").count == 100
                && pair.server.lines(with: "stream closed", "why=fin").count == 100
        }
        // Every stream has a unique id, which is the same at both ends.
        let atClient = pair.client.lines(with: "stream closed").map { StreamLine($0)["id"] }
        let atServer = pair.server.lines(with: "stream closed").map { StreamLine($0)["id"] }
        #expect(Set(atClient).count == 100)
        #expect(atClient.sorted() == atServer.sorted())
    }
}
