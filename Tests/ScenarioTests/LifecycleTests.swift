import Glibc
import Testing

/// Startup, shutdown and reconnection of both ends.
@Suite(.serialized, .enabled(if: Sallyport.isThere, "there is no release binary: make build"))
struct LifecycleTests {
    /// The end that a scenario tests; both must behave alike.
    enum End: String, CaseIterable, Sendable {
        case client
        case server

        func process(of pair: TunnelPair) -> Child {
            self == .client ? pair.client : pair.server
        }
    }

    @Test(arguments: [SIGTERM, SIGINT])
    func anEndWithoutStreamsStopsAtOnceWithStatusZero(number: Int32) throws {
        let echo = try PlainListener.echo()
        let pair = try TunnelPair(to: echo.address)
        for end in End.allCases {
            end.process(of: pair).signal(number)
            #expect(try end.process(of: pair).wait(within: .seconds(20)) == .exited(0), "\(end)")
        }
    }

    @Test(arguments: End.allCases)
    func whileDrainingStreamsFinishAndNewOnesAreRefused(end: End) throws {
        let target = try PlainListener(.ipv4(port: 0))
        let pair = try TunnelPair(to: target.address)
        let visitor = try pair.connect()
        try visitor.write("question")
        let served = try target.accept()
        #expect(try served.read(8) == Array("question".utf8))

        let process = end.process(of: pair)
        process.signal(SIGTERM)
        try process.line(with: "draining")
        try Waiting.until("connections to be refused") {
            let address = end == .client ? pair.entry : pair.link
            return (try? PlainSocket(to: address)) == nil
        }

        let content = CheckedBytes(name: 6).prefix(4 << 20)
        let sending = Background {
            try served.write(content)
            served.finish()
        }
        #expect(try visitor.read(content.count) == content)
        try sending.wait()
        #expect(try visitor.readToEnd().end == .end)
        #expect(process.end == nil)
        visitor.finish()
        #expect(try served.readToEnd().end == .end)
        #expect(try process.wait() == .exited(0))
        let lines = try pair.streamLines()
        #expect(lines.client["why"] == "fin")
        #expect(lines.server["why"] == "fin")
    }

    @Test(arguments: End.allCases)
    func theSecondSignalCutsOffTheRemainingStreams(end: End) throws {
        let target = try PlainListener(.ipv4(port: 0))
        let pair = try TunnelPair(to: target.address)
        let visitor = try pair.connect()
        try visitor.write("question")
        let served = try target.accept()
        #expect(try served.read(8) == Array("question".utf8))

        let process = end.process(of: pair)
        process.signal(SIGTERM)
        try process.line(with: "draining")
        process.signal(SIGTERM)
        // This is before the drain timeout of 30 s.
        #expect(try process.wait(within: .seconds(20)) == .exited(75))
        #expect(try visitor.readToEnd().end == .reset)
        #expect(try served.readToEnd().end == .reset)
        #expect(StreamLine(try process.line(with: "stream closed"))["why"] == "shutdown")
    }

    /// A signal that arrives after all work has ended does not change the exit status.
    @Test func aBlockedLogDoesNotPreventShutdown() throws {
        let folder = try TemporaryFolder()
        let link = try PlainAddress.free()
        try folder.file("passwords", try TunnelPair.passwords.get())
        try #require(mkfifo("\(folder.path)/log", 0o600) == 0)
        let log = open("\(folder.path)/log", O_RDWR | O_NONBLOCK | O_CLOEXEC)
        try #require(log >= 0)
        defer { close(log) }
        // The pipe is full before the first line.
        while write(log, "full", 4) > 0 {}
        let file = try folder.file(
            "server.conf",
            """
            log = log
            [server]
            listen = \(link)
            passwords = passwords
            [service app]
            connect = 127.0.0.1:9

            """
        )
        let server = try Sallyport.start("run", file, in: folder, name: "server")
        try Waiting.until("the server to listen") { (try? PlainSocket(to: link)) != nil }
        server.signal(SIGTERM)
        try Waiting.until("the workers to end") {
            !server.threadNames.contains { $0.hasPrefix("sly-worker") }
        }
        // The log thread still waits for a reader.
        try #require(server.threadNames.contains { $0.hasPrefix("sly-log") })
        server.signal(SIGINT)
        #expect(try server.wait(within: .seconds(20)) == .exited(0))
    }

    @Test func anEndWithABlockedStandardErrorKeepsItsExitStatus() throws {
        let folder = try TemporaryFolder()
        let taken = try PlainListener(.ipv4(port: 0))
        try folder.file("passwords", try TunnelPair.passwords.get())
        let file = try folder.file(
            "server.conf",
            """
            [server]
            listen = \(taken.address)
            passwords = passwords
            [service app]
            connect = 127.0.0.1:9

            """
        )
        // Standard error is a full pipe that nobody reads.
        let script =
            "exec 3<>\"$1\"; dd if=/dev/zero of=\"$1\" oflag=nonblock bs=4096 2>/dev/null; exec \"$0\" run \"$2\" 2>&3"
        try #require(mkfifo("\(folder.path)/pipe", 0o600) == 0)
        let server = try Child(
            ["/bin/sh", "-c", script, Sallyport.path, "\(folder.path)/pipe", file],
            in: folder
        )
        #expect(try server.wait(within: .seconds(20)) == .exited(71))
    }

    @Test func anIdleEndWithoutItsPeerStopsAtOnceWithStatusZero() throws {
        let echo = try PlainListener.echo()
        for end in End.allCases {
            let pair = try TunnelPair(to: echo.address)
            let (process, other) =
                end == .client ? (pair.client, pair.server) : (pair.server, pair.client)
            other.kill()
            try process.line(with: "link lost", "streams=0")
            process.signal(SIGTERM)
            #expect(try process.wait(within: .seconds(20)) == .exited(0), "\(end): \(process.output)")
        }
    }

    @Test(arguments: End.allCases)
    func drainingEndsAfterDrainTimeout(end: End) throws {
        let target = try PlainListener(.ipv4(port: 0))
        var options = TunnelPair.Options()
        options.clientGlobals = "drain-timeout = 1s"
        options.serverGlobals = "drain-timeout = 1s"
        let pair = try TunnelPair(to: target.address, options)
        let visitor = try pair.connect()
        try visitor.write("question")
        let served = try target.accept()
        #expect(try served.read(8) == Array("question".utf8))
        let process = end.process(of: pair)
        process.signal(SIGTERM)
        #expect(try process.wait(within: .seconds(20)) == .exited(75))
        #expect(process.output.contains("cut off"))
        #expect(try visitor.readToEnd().end == .reset)
        #expect(try served.readToEnd().end == .reset)
    }

    @Test(arguments: End.allCases)
    func aHangupSignalDoesNotStopAnEnd(end: End) throws {
        let echo = try PlainListener.echo()
        let pair = try TunnelPair(to: echo.address)
        let visitor = try pair.connect()
        end.process(of: pair).signal(SIGHUP)
        try end.process(of: pair).line(
            with: end == .client ? "HUP does nothing" : "passwords reloaded"
        )
        try visitor.write("still")
        #expect(try visitor.read(5) == Array("still".utf8))
        #expect(end.process(of: pair).end == nil)
    }

    @Test func visitorsGetCorrectAnswersWhileBothEndsAreRestarted() throws {
        let echo = try PlainListener.echo()
        let pair = try TunnelPair(to: echo.address)
        let entry = pair.entry
        let answered = Progress()
        let wrong = Progress()
        let isOver = Progress()
        let visitors = (0..<4).map { number in
            Background {
                while isOver.count == 0 {
                    guard let visitor = try? PlainSocket(to: entry) else {
                        poll(nil, 0, 20)
                        continue
                    }
                    let question = Array("visitor \(number)".utf8)
                    guard (try? visitor.write(question)) != nil else { continue }
                    visitor.finish()
                    // A visitor whose stream is cut off gets a reset; a complete answer must be correct.
                    guard let answer = try? visitor.readToEnd() else { continue }
                    if answer.bytes == question, answer.end == .end { answered.add(1) }
                    if !question.starts(with: answer.bytes) { wrong.add(1) }
                }
            }
        }
        for round in 0..<3 {
            let before = answered.count
            try Waiting.until("answers before round \(round)") { answered.count > before + 5 }
            try pair.restartServer()
            let between = answered.count
            try Waiting.until("answers after the server end is back") { answered.count > between + 5 }
            try pair.restartClient()
        }
        let before = answered.count
        try Waiting.until("answers after the last round") { answered.count > before + 5 }
        isOver.add(1)
        for visitor in visitors { try visitor.wait() }
        #expect(wrong.count == 0)
    }

    @Test func aSilentlyDeadPeerIsDetected() throws {
        let target = try PlainListener(.ipv4(port: 0))
        var options = TunnelPair.Options()
        options.peer = "keepalive = 1s/2s\nresume-window = 2s"
        options.server = "resume-window = 2s"
        let pair = try TunnelPair(to: target.address, options)
        let visitor = try pair.connect()
        try visitor.write("question")
        let served = try target.accept()
        #expect(try served.read(8) == Array("question".utf8))

        pair.server.signal(SIGSTOP)
        #expect(try visitor.readToEnd().end == .reset)
        try pair.client.line(with: "link lost", "keepalive timeout")
        #expect(StreamLine(try pair.client.line(with: "stream closed"))["why"] == "link-lost")

        try pair.client.line(with: "session lost", "streams=1", "why=link-lost")

        pair.server.signal(SIGCONT)
        #expect(try served.readToEnd().end == .reset)
        let next = try pair.connect()
        try next.write("again")
        #expect(try target.accept().read(5) == Array("again".utf8))
    }

    @Test func acceptingResumesWhenDescriptorsAreFree() throws {
        let echo = try PlainListener.echo()
        var options = TunnelPair.Options()
        options.clientDescriptors = 64
        let pair = try TunnelPair(to: echo.address, options)
        var visitors: [PlainSocket] = []
        try Waiting.until("the client end to run out of descriptors") {
            visitors.append(try pair.connect())
            return !pair.client.lines(with: "accepting is paused").isEmpty
        }
        try pair.client.line(with: "accepting is paused", "\(pair.entry)")
        // The existing streams continue.
        try visitors[0].write("still")
        #expect(try visitors[0].read(5) == Array("still".utf8))
        // The shortage continues if a new connection takes a freed descriptor at once.
        for _ in 0..<20 {
            visitors.removeFirst().close()
            visitors.append(try pair.connect())
            try visitors[0].write("still")
            #expect(try visitors[0].read(5) == Array("still".utf8))
        }
        #expect(pair.client.lines(with: "accepting again").isEmpty)
        #expect(pair.client.lines(with: "accepting is paused").count <= 2, "one a worker")
        visitors.forEach { $0.close() }
        try pair.client.line(with: "accepting again")
        let visitor = try pair.connect()
        try visitor.write("again")
        #expect(try visitor.read(5) == Array("again".utf8))
    }

    @Test func aServerWithoutDescriptorsRefusesStreamsAndRecovers() throws {
        let echo = try PlainListener.echo()
        var options = TunnelPair.Options()
        options.serverDescriptors = 64
        let pair = try TunnelPair(to: echo.address, options)
        let visitors = try (0..<100).map { _ in try pair.connect() }
        try pair.server.line(with: "refused", "what=limit", "why=descriptors")
        let line = StreamLine(try pair.client.line(with: "stream closed"))
        #expect(line["why"] == "unreachable(EMFILE)")
        visitors.forEach { $0.close() }
        try Waiting.until("a stream to come through") {
            let visitor = try pair.connect()
            // A refused stream may be reset before the visitor has written.
            guard (try? visitor.write("again")) != nil else { return false }
            visitor.finish()
            return try visitor.readToEnd().bytes == Array("again".utf8)
        }
    }

    @Test(arguments: [64 << 10, 2 << 20])
    func theLastAnswerOfADrainingServerArrivesInFull(count: Int) throws {
        for _ in 0..<5 {
            let target = try PlainListener(.ipv4(port: 0))
            let pair = try TunnelPair(to: target.address)
            let visitor = try pair.connect()
            try visitor.write("question")
            let served = try target.accept()
            _ = try served.read(8)
            pair.server.signal(SIGTERM)
            try pair.server.line(with: "draining")
            visitor.finish()
            let answer = (0..<count).map { UInt8(truncatingIfNeeded: $0 % 251) }
            try served.write(answer)
            served.close()
            let answered = try visitor.readToEnd()
            #expect(answered.end == .end)
            #expect(answered.bytes == answer)
            #expect(try pair.server.wait() == .exited(0))
            #expect(try StreamLine(pair.client.line(with: "stream closed"))["why"] == "fin")
        }
    }

    @Test func aPeerThatIsDownResetsVisitorsAndIsLoggedOnce() throws {
        let echo = try PlainListener.echo()
        var options = TunnelPair.Options()
        options.clientGlobals = "workers = 1"
        options.route = "connect-timeout = 1s"
        let pair = try TunnelPair(to: echo.address, options)
        pair.server.kill()
        try pair.client.line(with: "peer is down")
        for count in 1...4 {
            let visitor = try pair.connect()
            #expect(try visitor.readToEnd().end == .reset)
            try Waiting.until("a line for each") {
                pair.client.lines(with: "stream closed", "why=no-link", "by=link").count == count
            }
        }
        // The log says it once, not for each attempt to reconnect.
        #expect(pair.client.lines(with: "peer is down").count == 1)

        try pair.restartServer()
        try Waiting.until("the peer to be up again") { pair.client.lines(with: "peer is up").count == 2 }
        let visitor = try pair.connect()
        try visitor.write("again")
        #expect(try visitor.read(5) == Array("again".utf8))
    }

    @Test func aClientThatStartsFirstWaitsForItsPeer() throws {
        let echo = try PlainListener.echo()
        var options = TunnelPair.Options()
        options.peerAddress = "\(try PlainAddress.free())"
        options.waitsForLink = false
        options.route = "connect-timeout = 1s"
        let pair = try TunnelPair(to: echo.address, options)
        try pair.client.line(with: "peer is down", "ECONNREFUSED")
        #expect(try pair.connect().readToEnd().end == .reset)
        #expect(pair.client.end == nil)
    }
}
