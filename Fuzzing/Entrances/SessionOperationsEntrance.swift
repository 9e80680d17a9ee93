import ProtocolCore
import ProtocolCoreTesting
import Vocabulary

/// Reads an input as the actions of the owners of two sessions and as events on the link between them.
///
/// Both ends follow the protocol, so neither may ever report a violation. Every byte that arrives must be the one that
/// was sent. The bytes that are kept and held must stay within their limits. After all stalls have ended, every stream
/// must end.
func fuzzSessionOperations(_ bytes: UnsafeRawBufferPointer) {
    var choices = Choices(bytes)
    guard var run = try? OperationsRun(&choices) else { preconditionFailure("keys that are always valid") }
    var rounds = 0
    while !choices.isEmpty, rounds < 400 {
        run.act(&choices)
        run.check()
        rounds += 1
    }
    run.end()
}

/// Two sessions, the link between them, and the invariants that must hold.
struct OperationsRun {
    private var link: SimulatedLink
    private let clientOptions: Session.Options
    private let serverOptions: Session.Options
    /// The maximum number of bytes that one operation sends; small where credit is small, so that every run ends.
    private let maxBytes: UInt64
    private var wentAway = false
    private var wasClosed = false
    /// Whether the link has stalled, after which either end may regard it as lost.
    private var stoodStill = false

    init(_ choices: inout Choices) throws {
        var (ours, theirs) = (Self.options(&choices), Self.options(&choices))
        // Both ends use the same limits, because each acts on the other's count.
        ours.keyLimits = choices.one(of: [.standard, KeyLimits(records: 50, bytes: 1 << 40)])
        theirs.keyLimits = ours.keyLimits
        clientOptions = ours
        serverOptions = theirs
        let windows = [ours, theirs].flatMap { [$0.parameters.streamWindow, $0.parameters.sessionWindow] }
        let log = min(ours.logBytes, theirs.logBytes)
        let turns = min(ours.quantum, theirs.quantum)
        maxBytes = min(turns == 1 ? 400 : log < 20_000 ? 3000 : 60_000, 100 * UInt64(windows.min() ?? 1))
        link = SimulatedLink(try Pair(client: ours, server: theirs, ciphers: checksumCiphers))
        link.turnLimit = log < 20_000 ? 1500 : choices.one(of: [1, 2000, 300_000]) + 999
        if choices.yes() { link.server.answer = UInt64(choices.uint16()) % (maxBytes + 1) }
        Self.change(&link.toServer, &choices)
        Self.change(&link.toClient, &choices)
    }

    private static func options(_ choices: inout Choices) -> Session.Options {
        var options = Session.Options(
            parameters: SessionParameters(
                maxRecord: choices.one(of: [65536, 1024, 1500, 16384]),
                streamWindow: choices.one(of: [256 << 10, 1, 2, 10, 100, 1000, 5000, 65536]),
                sessionWindow: choices.one(of: [1 << 20, 1, 3, 100, 1000, 5000, 65536]),
                maxStreams: choices.one(of: [16384, 1, 2, 5, 20])
            )
        )
        options.chunk = choices.one(of: [4096, 1024, 5000, 65536])
        options.maxRecord = choices.one(of: [65536, 1024, 8000])
        options.maxStreamWindow = choices.one(of: [16 << 20, 0, 1000, 100_000])
        options.quantum = choices.one(of: [32 << 10, 1, 1000])
        options.logBytes = choices.one(of: [4 << 20, 1, 2000, 20_000, 300_000])
        return options
    }

    private static func change(_ wire: inout SimulatedWire, _ choices: inout Choices) {
        wire.latency = .microseconds(choices.one(of: [0, 50, 1000, 30_000, 100_000]))
        wire.rate = choices.one(of: [.max, 20, 300, 5000])
        wire.capacity = choices.one(of: [.max, 1, 700, 40_000])
        wire.maxPiece = choices.one(of: [.max, 1, 100, 3000])
    }
}

// MARK: - Operations

extension OperationsRun {
    /// Performs the operation that the next bytes select.
    mutating func act(_ choices: inout Choices) {
        let choice = choices.byte()
        let end = choice & 1 == 0 ? link.client : link.server
        let ids = end.streams.keys.sorted()
        func someone() -> UInt32? { ids.isEmpty ? nil : ids[Int(choices.byte()) % ids.count] }
        switch choice >> 1 % 20 {
        case 0, 1: _ = end.open(sending: count(&choices), thenEnd: choices.yes(), at: link.now)
        case 2:
            for _ in 0..<choices.byte() % 32 { _ = end.open(sending: 10, thenEnd: true, at: link.now) }
        case 3, 4:
            guard let id = someone(), let stream = end.streams[id], !stream.hasSentEnd, !stream.endsAfter,
                !stream.isOver
            else { return }
            end.send(count(&choices), thenEnd: choices.yes(), on: stream.handle)
        case 5: if let id = someone() { end.finish(id) }
        case 6: if let id = someone() { end.reset(id, choices.yes() ? .cancelled : .timeout, at: link.now) }
        case 7: if let id = someone() { end.release(id, at: link.now) }
        case 8: end.releaseWhatIsOver(at: link.now)
        case 9: if let id = someone() { end.stall(id, choices.yes()) }
        case 10: end.takesAtOnce.toggle()
        case 11: if let id = someone() { end.take(choices.uint16(), of: id) }
        case 12: _ = end.open(sending: count(&choices), thenEnd: true, at: link.now)
        case 13: end.session.ping(at: link.now)
        case 14: changeEnd(end, choices.byte())
        case 15:
            if choices.yes() {
                Self.change(&link.toServer, &choices)
            } else {
                Self.change(&link.toClient, &choices)
            }
        case 16:
            stoodStill = true
            if choices.yes() { link.toServer.isStalled.toggle() } else { link.toClient.isStalled.toggle() }
        default: link.run(for: .microseconds(choices.uint16() << (choices.byte() % 8)), steps: 10_000)
        }
    }

    private func count(_ choices: inout Choices) -> UInt64 { UInt64(choices.uint16()) % (maxBytes + 1) }

    private mutating func changeEnd(_ end: SimulatedEnd, _ choice: UInt8) {
        switch choice % 16 {
        case 0..<8: end.session.mayGrow.toggle()
        case 8..<12:
            wentAway = true
            end.session.goAway(.shutdown)
        case 12, 13: link.cut()
        case 14:
            wasClosed = true
            end.session.close(.shutdown, "enough")
            end.takeEvents()
        default:
            // The link stalls for so long that the ends regard it as lost.
            link.toServer.isStalled = true
            stoodStill = true
            link.run(for: .seconds(50), steps: 10_000)
        }
    }
}

// MARK: - Invariants

extension OperationsRun {
    /// Checks the invariants that hold at all times.
    func check() {
        precondition(link.damage.isEmpty, "\(link.damage)")
        check(link.client, clientOptions)
        check(link.server, serverOptions)
    }

    private func check(_ end: SimulatedEnd, _ options: Session.Options) {
        if case .violation(_, let text) = end.end { preconditionFailure("a violation: \(text)") }
        precondition(end.session.streamCount == end.streams.count, "streams were lost")
        var held: UInt64 = 0
        for stream in end.streams.values { held += UInt64(stream.waiting) }
        precondition(end.session.heldCount >= held, "the session holds less than its streams")
        guard end.session.isOpen else { return }
        let reserve = max(16 << 10, options.logBytes / 16)
        let most = max(4096, options.logBytes) + reserve + Int(SessionParameters.recordRange.upperBound) + 100
        precondition(end.keptCount <= most, "\(end.keptCount) bytes are kept")
        precondition(end.session.queuedCount <= 2 << 20, "control frames pile up")
        let window = max(UInt64(options.parameters.streamWindow), options.maxStreamWindow)
        precondition(
            end.streams.values.allSatisfy { UInt64($0.waiting) <= window },
            "more than a window is held"
        )
    }

    /// Ends all stalls and streams, runs until both ends are quiet, and compares the ends.
    mutating func end() {
        for wire in [\SimulatedLink.toServer, \SimulatedLink.toClient] where !link.isCut {
            link[keyPath: wire].isStalled = false
            // A low rate or a high latency would only prolong the run.
            link[keyPath: wire].rate = .max
            link[keyPath: wire].latency = .milliseconds(1)
            link[keyPath: wire].capacity = max(link[keyPath: wire].capacity, 4096)
            link[keyPath: wire].maxPiece = max(link[keyPath: wire].maxPiece, 1024)
        }
        let ends = [link.client, link.server]
        for end in ends where end.session.isOpen {
            end.takesAtOnce = true
            end.session.mayGrow = true
        }
        for _ in 0..<600 {
            for end in ends { endStreams(of: end) }
            link.run(for: .seconds(1), steps: 100_000)
            check()
            if ends.allSatisfy({ !$0.session.isOpen || ($0.streams.isEmpty && $0.session.isQuiet) }) {
                break
            }
        }
        let isWhole = ends.allSatisfy { $0.end == nil }
        let mayEnd = link.isCut || wasClosed || stoodStill
        precondition(isWhole || mayEnd, "it ended by itself: \(ends.map { $0.end as Any })")
        if isWhole { checkAcknowledged() }
        let disagreements = link.disagreements(isWhole: isWhole, someoneWentAway: wentAway)
        precondition(disagreements.isEmpty, "\(disagreements)")
    }

    private func endStreams(of end: SimulatedEnd) {
        for id in end.streams.keys.sorted() {
            end.stall(id, false)
            end.take(.max, of: id)
            if let stream = end.streams[id], !stream.isOver, !stream.hasSentEnd, !stream.endsAfter {
                end.send(0, thenEnd: true, on: stream.handle)
            }
        }
        end.releaseWhatIsOver(at: link.now)
    }

    /// Checks the invariants that hold after all streams have ended.
    private func checkAcknowledged() {
        for end in [link.client, link.server] {
            precondition(end.streams.isEmpty && end.session.isQuiet, "it never came to an end")
            precondition(end.session.heldCount == 0, "bytes are held by nobody")
        }
    }
}

extension Session {
    /// Whether the session has nothing to send on its own.
    fileprivate var isQuiet: Bool {
        mutating get { queuedCount == 0 && unwrittenCount == 0 && !hasControl && !hasTurns }
    }
}
