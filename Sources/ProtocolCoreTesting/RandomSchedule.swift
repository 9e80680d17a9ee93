import CryptoPrimitives
package import ProtocolCore
import Vocabulary

/// A random run of two sessions over links whose behaviour changes, with checks of its invariants; one seed decides everything.
///
/// If both ends support resumption, links are lost during the run: at both ends at once or at one end first, because of altered
/// bytes, and while a resumption is in progress.
package struct RandomSchedule {
    /// The way in which a run ends.
    enum Ending: CaseIterable {
        /// All streams end, and the sessions hold no bytes.
        case quiet
        /// The link is lost, and there is no other one.
        case cut
        /// One end closes the session.
        case close
    }

    let seed: UInt64
    let ending: Ending
    /// Whether sessions outlive their links.
    let resumes: Bool
    package private(set) var link: SimulatedLink
    var problems: [String] = []
    var random: SplitMix
    private let clientOptions: Session.Options
    private let serverOptions: Session.Options
    /// The maximum number of bytes that one operation sends; small where credit is small, so that every run ends.
    private let maxBytes: UInt64
    private var wentAway = false

    /// Creates the run of a seed.
    package init(
        seed: UInt64,
        pool: BlockPool = BlockPool(),
        ciphers: @escaping RecordCipherMaker = recordCiphers(by: .libcrypto)
    ) throws {
        self.seed = seed
        random = SplitMix(seed: seed)
        let dice = Int.random(in: 0..<100, using: &random)
        ending = dice < 70 ? .quiet : dice < 88 ? .cut : .close
        resumes = random.chance(80)
        var (ours, theirs) = (Self.options(&random), Self.options(&random))
        if resumes {
            ours.parameters.features = .resume
            theirs.parameters.features = .resume
        }
        // Both ends use the same limits, because each acts on the other's count. The limits are not so small that the key updates
        // would use up the peer's abuse budget.
        if random.chance(40) {
            ours.keyLimits = KeyLimits(records: 300, bytes: random.chance(50) ? 1 << 40 : 1 << 20)
            theirs.keyLimits = ours.keyLimits
        }
        clientOptions = ours
        serverOptions = theirs
        let windows = [clientOptions, serverOptions].flatMap {
            [$0.parameters.streamWindow, $0.parameters.sessionWindow]
        }
        // A log of a few bytes can be filled and acknowledged only about fifty times a second.
        let log = min(ours.logBytes, theirs.logBytes)
        // With turns of one byte, each byte needs its own frame.
        let turns = min(ours.quantum, theirs.quantum)
        maxBytes = min(turns == 1 ? 400 : log < 20_000 ? 3000 : 60_000, 100 * UInt64(windows.min() ?? 1))
        link = SimulatedLink(
            try Pair(client: clientOptions, server: serverOptions, ciphers: ciphers, pool: pool)
        )
        link.turnLimit = Int.random(in: log < 20_000 ? 1000...2000 : 1...300_000, using: &random)
        if random.chance(40) { link.server.answer = UInt64.random(in: 0...maxBytes, using: &random) }
        if random.chance(10) { link.client.answer = UInt64.random(in: 0...maxBytes, using: &random) }
        Self.change(&link.toServer, &random)
        Self.change(&link.toClient, &random)
    }

    /// Sabotages the client, to check that the run detects it.
    package mutating func sabotage(_ how: SimulatedEnd.Sabotage) {
        link.client.sabotage = how
    }

    /// Runs the schedule.
    ///
    /// - Returns: the problems that it found.
    package mutating func run() -> [String] {
        for _ in 0..<Int.random(in: 4...30, using: &random) {
            act()
            if resumes { meddle() }
            let pause = random.chance(5) ? 5000 : random.chance(30) ? 0 : 60
            link.run(for: .milliseconds(Int.random(in: 0...pause, using: &random)), steps: 20_000)
            check()
            guard problems.isEmpty else { return problems }
        }
        switch ending {
        case .quiet: endQuietly()
        case .cut:
            link.cut()
            link.run(for: .seconds(200))
            for end in [link.client, link.server] {
                let expected: Set<SessionEnd> =
                    resumes ? [.notResumed(.late), .notResumed(.unknownToServer)] : [.linkLost(.ended)]
                guard let last = end.end, expected.contains(last) else {
                    problems.append("ended with \(String(describing: end.end))")
                    continue
                }
            }
        case .close: close()
        }
        check()
        problems += link.disagreements(isWhole: ending == .quiet, someoneWentAway: wentAway)
        return problems
    }
}

// MARK: - Operations

extension RandomSchedule {
    private static func options(_ random: inout SplitMix) -> Session.Options {
        func one<T>(_ values: [T]) -> T { values[Int.random(in: 0..<values.count, using: &random)] }
        var options = Session.Options(
            parameters: SessionParameters(
                maxRecord: one([1024, 1500, 16384, 65536]),
                streamWindow: one([1, 2, 10, 100, 1000, 5000, 65536, 256 << 10]),
                sessionWindow: one([1, 3, 100, 1000, 5000, 65536, 1 << 20]),
                maxStreams: one([1, 2, 5, 20, 16384])
            )
        )
        options.chunk = one([1024, 4096, 5000, 65536])
        options.maxRecord = one([1024, 8000, 65536])
        options.maxStreamWindow = one([0, 1000, 100_000, 16 << 20])
        options.quantum = one([1, 1000, 32 << 10])
        options.logBytes = one([1, 2000, 20_000, 300_000, 4 << 20])
        // Long enough that a link that stalls for a while during the run does not end the session.
        options.resumeWindow = .seconds(190)
        return options
    }

    private static func change(_ wire: inout SimulatedWire, _ random: inout SplitMix) {
        wire.latency = .microseconds(random.chance(30) ? 0 : Int.random(in: 0...100_000, using: &random))
        wire.rate = random.chance(50) ? .max : Int.random(in: 20...5000, using: &random)
        wire.capacity = random.chance(50) ? .max : Int.random(in: 1...40_000, using: &random)
        wire.maxPiece = random.chance(60) ? .max : Int.random(in: 1...3000, using: &random)
    }

    private mutating func act() {
        let end = random.chance(60) ? link.client : link.server
        let id = end.streams.keys.sorted().randomElement(using: &random)
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<35:
            for _ in 0..<(random.chance(20) ? Int.random(in: 2...30, using: &random) : 1) {
                let count =
                    random.chance(20)
                    ? 0 : UInt64.random(in: 0...(random.chance(50) ? 200 : maxBytes), using: &random)
                _ = end.open(sending: min(count, maxBytes), thenEnd: random.chance(70), at: link.now)
            }
        case 35..<50:
            guard let id, let stream = end.streams[id], !stream.hasSentEnd, !stream.endsAfter, !stream.isOver
            else {
                return
            }
            end.send(
                .random(in: 0...maxBytes, using: &random),
                thenEnd: random.chance(50),
                on: stream.handle
            )
        case 50..<55:
            if let id { end.finish(id) }
        case 55..<62:
            if let id { end.reset(id, random.chance(50) ? .cancelled : .timeout, at: link.now) }
        case 62..<67:
            if let id { end.release(id, at: link.now) }
        case 67..<72: end.releaseWhatIsOver(at: link.now)
        case 72..<77:
            if let id { end.stall(id, random.chance(60)) }
        case 77..<80: end.takesAtOnce.toggle()
        case 80..<85:
            for id in end.streams.keys.sorted() { end.take(.random(in: 0...5000, using: &random), of: id) }
        case 85..<90: end.session.ping(at: link.now)
        case 90..<91 where !wentAway:
            wentAway = random.chance(30)
            if wentAway { end.session.goAway(.shutdown) }
        case 91..<94: end.session.mayGrow.toggle()
        case 94..<97:
            Self.change(&link.toServer, &random)
            if random.chance(50) { Self.change(&link.toClient, &random) }
        default:
            if random.chance(50) {
                link.toServer.isStalled.toggle()
            } else {
                link.toClient.isStalled.toggle()
            }
        }
    }

    /// Sometimes loses the link, damages its bytes, or dials another one.
    private mutating func meddle() {
        if link.isUp {
            guard random.chance(25) else { return }
            if random.chance(20) {
                // The receiver detects that the bytes were altered.
                if random.chance(50) { _ = link.toServer.damage() } else { _ = link.toClient.damage() }
                return
            }
            link.cutUnnoticed()
        } else if random.chance(20) {
            // This may cut a link on which a resumption is in progress.
            link.cutUnnoticed()
        }
        if random.chance(40) { link.client.loseLink(.ended, at: link.now) }
        if random.chance(40) { link.server.loseLink(.ended, at: link.now) }
        if random.chance(50) { link.redial() }
    }

    /// Ends all stalls and streams, and runs until both ends are quiet.
    private mutating func endQuietly() {
        wakeUp()
        for _ in 0..<600 {
            // A link that stalled for long, or was damaged just before, may still be lost now.
            if resumes, !link.isUp { link.redial() }
            for end in [link.client, link.server] {
                for (id, stream) in end.streams {
                    end.stall(id, false)
                    end.take(.max, of: id)
                    if !stream.isOver, !stream.hasSentEnd, !stream.endsAfter {
                        end.send(0, thenEnd: true, on: stream.handle)
                    }
                }
                end.releaseWhatIsOver(at: link.now)
            }
            link.run(for: .seconds(1), steps: 100_000)
            check()
            guard problems.isEmpty else { return }
            if link.client.streams.isEmpty, link.server.streams.isEmpty, link.client.isQuiet,
                link.server.isQuiet
            {
                checkQuiet()
                return
            }
        }
        problems.append("it never came to an end: \(link.client.state) \(link.server.state)")
    }

    private mutating func wakeUp() {
        for end in [link.client, link.server] {
            end.takesAtOnce = true
            end.session.mayGrow = true
        }
        if !link.isCut {
            link.toServer.isStalled = false
            link.toClient.isStalled = false
        }
        // A low rate or a high latency would only prolong the run.
        link.toServer.rate = .max
        link.toClient.rate = .max
        link.toServer.latency = .milliseconds(1)
        link.toClient.latency = .milliseconds(1)
    }

    private mutating func close() {
        wakeUp()
        if resumes {
            link.redial()
            link.run(for: .seconds(20), steps: 100_000)
        }
        let byClient = random.chance(50)
        let end = byClient ? link.client : link.server
        end.session.close(.shutdown, "enough")
        end.takeEvents()
        link.run(for: .seconds(20), steps: 100_000)
        let (us, them) = (SessionEnd.byUs(.shutdown, "enough"), SessionEnd.byPeer(.shutdown, "enough"))
        checkEnds(client: byClient ? us : them, server: byClient ? them : us)
    }
}

// MARK: - Invariants

extension RandomSchedule {
    /// Checks the invariants that hold at all times.
    private mutating func check() {
        problems += link.damage
        check(link.client, clientOptions)
        check(link.server, serverOptions)
    }

    private mutating func check(_ end: SimulatedEnd, _ options: Session.Options) {
        if end.session.isOpen {
            let reserve = max(16 << 10, options.logBytes / 16)
            let most =
                max(4096, options.logBytes) + reserve + Int(SessionParameters.recordRange.upperBound) + 100
            if !end.session.isAttached, !resumes { problems.append("it waits for another link") }
            if end.keptCount > most { problems.append("\(end.keptCount) bytes are kept") }
        } else if let ended = end.end, case .violation(let code, let text) = ended {
            problems.append("a violation: \(code.name), \(text)")
        } else if ending == .quiet {
            problems.append("ended: \(String(describing: end.end))")
        }
        var held: UInt64 = 0
        for (id, stream) in end.streams {
            held += UInt64(stream.waiting)
            guard let window = end.session.receiveWindow(of: stream.handle) else {
                problems.append("stream \(id) is not known to its session")
                continue
            }
            if window.held > window.size { problems.append("stream \(id) holds \(window.held)") }
            if window.held != UInt64(stream.waiting), stream.resetCode == nil, stream.sentReset == nil {
                problems.append("stream \(id) holds \(window.held), and \(stream.waiting) wait")
            }
        }
        if end.session.heldCount < held {
            problems.append("the session holds less than its streams")
        }
        if end.session.streamCount != end.streams.count { problems.append("streams were lost") }
        if end.session.queuedCount > 2 << 20 { problems.append("control frames pile up") }
    }

    private mutating func checkEnds(client: SessionEnd, server: SessionEnd) {
        if link.client.end != client {
            problems.append("the client ended with \(String(describing: link.client.end))")
        }
        if link.server.end != server {
            problems.append("the server ended with \(String(describing: link.server.end))")
        }
    }

    /// Checks the invariants that hold after all streams have ended.
    private mutating func checkQuiet() {
        for end in [link.client, link.server] {
            let session = end.state
            if session.held != 0 { problems.append("the session still holds \(session.held)") }
            if session.streams != 0 { problems.append("streams are left") }
            if session.turns != 0 { problems.append("somebody still waits for a turn") }
            if session.delayedResets != 0 { problems.append("a RESET was never sent") }
            // A record of 36 bytes contains only an ACK. The last such records stay unacknowledged.
            if end.keptCount % 36 != 0 || end.keptCount > 20 * 36 {
                problems.append("\(end.keptCount) bytes were not acknowledged")
            }
        }
    }
}

// MARK: -

extension SimulatedEnd {
    /// The work that is left in a session.
    struct State {
        var held: UInt64
        var streams: Int
        var turns: Int
        var delayedResets: Int
        var control: Int
    }

    var state: State {
        State(
            held: session.heldCount,
            streams: session.streamCount,
            turns: session.turnCount,
            delayedResets: session.delayedResetCount,
            control: session.queuedCount
        )
    }

    /// Whether the session has a link and nothing to send on its own.
    var isQuiet: Bool {
        session.queuedCount == 0 && session.unwrittenCount == 0 && session.delayedResetCount == 0
            && session.isAttached
    }
}
