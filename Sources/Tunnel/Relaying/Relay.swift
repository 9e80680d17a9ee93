import Basics
import EventIO
import SecureLink
import Vocabulary
import WireCoding

/// Copies bytes between a stream and a plaintext socket: the visitor's or the target's.
///
/// The shell of ``RelayStateMachine``.
///
/// ```
/// socket ──► outward: read straight into the record when it is the stream's turn ──► stream
/// socket ◄── inward: written straight from the opened record; the rest waits ◄── stream
/// ```
/// This gives back-pressure: outward, the relay reads nothing without credit; inward, it gives credit back only for the bytes
/// that the socket took. Confined to its worker's thread.
final class Relay {
    /// The fields of the stream's log line, except its numbers.
    var facts: StreamFacts
    let settings: StreamSettings
    /// Whether the program itself is the visitor, and wants a report of the stream's end.
    let isOwnVisitor: Bool
    /// The time when the relay began.
    let startedAt: Instant
    /// The relay's index in its owner's list; the owner maintains it.
    var place = -1

    private let context: RelayContext
    private unowned let owner: any RelayOwner
    var machine: RelayStateMachine
    var socket: StreamSocket?
    private var stream: LinkStream?
    /// Connects to the target; `nil` once it is connected.
    private var connector: TargetConnector?
    private var isRegistered: Bool
    private var pending: PendingBytes
    /// Whether the visitor or the target has sent bulk.
    private var sendsBulk = false
    private var outwardBytes: UInt64 = 0
    private var inwardBytes: UInt64 = 0
    private var lastActivity: Instant
    /// The end of the wait for a session or for the target.
    private let connectDeadline: Instant

    private var batch = InlineArray<8, MemorySegment>(repeating: MemorySegment(base: nil, count: 0))
    private var batchCount = 0

    /// The relay of a visitor, which waits for a session.
    init(
        visitor socket: StreamSocket,
        facts: StreamFacts,
        settings: StreamSettings,
        isOwnVisitor: Bool,
        in context: RelayContext,
        owner: any RelayOwner
    ) {
        machine = .visitor
        self.facts = facts
        self.settings = settings
        self.isOwnVisitor = isOwnVisitor
        self.socket = socket
        isRegistered = false
        self.context = context
        self.owner = owner
        pending = PendingBytes(context.budget)
        startedAt = context.loop.now
        lastActivity = startedAt
        connectDeadline = startedAt.advanced(by: settings.connectTimeout)
    }

    /// The relay of a stream that a peer opened, which has to connect to its target.
    init(
        stream: LinkStream,
        facts: StreamFacts,
        settings: StreamSettings,
        in context: RelayContext,
        owner: any RelayOwner
    ) {
        machine = .target
        self.facts = facts
        self.settings = settings
        isOwnVisitor = false
        self.stream = stream
        isRegistered = true
        self.context = context
        self.owner = owner
        pending = PendingBytes(context.budget)
        startedAt = context.loop.now
        lastActivity = startedAt
        connectDeadline = startedAt.advanced(by: settings.connectTimeout)
    }

    deinit {
        socket?.close()
    }

    /// The plaintext side of this relay: the visitor or the target.
    var side: Party { machine.side }
    /// Whether it has ended.
    var isOver: Bool { machine.isOver }
    /// Bytes from the visitor to the target.
    var upBytes: UInt64 { side == .visitor ? outwardBytes : inwardBytes }
    /// Bytes from the target to the visitor.
    var downBytes: UInt64 { side == .visitor ? inwardBytes : outwardBytes }
    /// The request that opens the visitor's stream at the peer.
    var request: StreamRequest {
        StreamRequest(service: facts.service, source: facts.source, trace: facts.id)
    }
}

// MARK: - Joining

extension Relay {
    /// A session now carries the visitor's stream.
    func carried(by stream: LinkStream) {
        self.stream = stream
        machine.sessionFound()
        lastActivity = context.loop.now
        // The visitor has often sent bytes already.
        stream.setReady()
    }

    /// There is a session, but its peer allows no more streams.
    func heldUpByLimit() {
        machine.heldUpByLimit()
    }

    /// Connects to the first of these addresses that answers.
    func connect(to addresses: [SocketAddress], in context: RelayContext) {
        let connector = TargetConnector(addresses, for: self, in: context)
        self.connector = connector
        connector.tryNext()
    }

    /// The target is connected: it gets the bytes that arrived in the meantime.
    func targetConnected() {
        connector = nil
        stream?.reportTarget(nil)
        machine.targetConnected()
        lastActivity = context.loop.now
        writePending()
        // Most targets send only after a request; the socket reports when it is readable.
    }

    /// No address of the target accepted a connection.
    func targetUnreachable(_ failure: StreamFailure) {
        stream?.reportTarget(failure)
        perform(machine.targetUnreachable(failure))
    }
}

// MARK: - Outward

extension Relay: StreamEndpoint {
    func fill(_ segments: UnsafeMutableBufferPointer<MemorySegment>) -> StreamFill {
        guard machine.readsSocket, let socket else { return StreamFill(0, .drained) }
        let fill: StreamFill
        switch socket.read(into: segments) {
        case .bytes(let count):
            outwardBytes += UInt64(count)
            lastActivity = context.loop.now
            if count >= Workload.bulkRead, !sendsBulk {
                sendsBulk = true
                socket.expectBulk()
            }
            fill = StreamFill(count, socket.isReadable ? .more : .drained)
        case .nothing:
            fill = StreamFill(0, .drained)
        case .end:
            lastActivity = context.loop.now
            let action = machine.socketEnded()
            perform(action)
            fill = StreamFill(0, .finished)
            // Both directions have ended: the socket is not needed any more, and a failure to register it changes nothing.
            if action == .awaitTurnEnd { return fill }
        case .failed:
            perform(machine.socketBroken())
            return StreamFill(0, .drained)
        }
        register()
        return fill
    }

    /// Registers the socket with its loop, after the first read.
    ///
    /// Most visitors send first, and their first bytes are often there already. If the socket were registered earlier, these
    /// bytes would wake the loop needlessly.
    private func register() {
        guard !isRegistered, let socket else { return }
        isRegistered = true
        do throws(SystemFailure) {
            try socket.start(self)
        } catch {
            guard let shortage = error.shortage else {
                perform(machine.socketBroken())
                return
            }
            context.refusals.limitReached(shortage)
            perform(machine.outOfResources())
        }
    }

    // MARK: Inward

    func receive(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard machine.takesBytes else {
            stream?.consumed(bytes.count)
            return false
        }
        if batchCount == batch.count { deliver() }
        batch[batchCount] = MemorySegment(reading: bytes)
        batchCount += 1
        return batchCount == 1
    }

    func deliver() {
        let count = batchCount
        batchCount = 0
        guard count > 0, !machine.isOver else { return }
        withUnsafeTemporaryAllocation(of: MemorySegment.self, capacity: count) { segments in
            for index in 0..<count { segments[index] = batch[index] }
            deliver(segments)
        }
        if pending.isEmpty { perform(machine.delivered()) }
    }

    private func deliver(_ segments: UnsafeMutableBufferPointer<MemorySegment>) {
        var taken = 0
        if machine.isJoined, pending.isEmpty, let socket {
            switch socket.write(segments) {
            case .took(let count): taken = count
            case .failed:
                perform(machine.socketBroken())
                return
            }
            took(taken)
        }
        for segment in segments {
            let skipped = min(taken, segment.count)
            taken -= skipped
            if skipped < segment.count, let base = segment.base {
                pending.append(UnsafeRawBufferPointer(start: base + skipped, count: segment.count - skipped))
            }
        }
    }

    /// The socket took bytes: the peer gets as much credit back.
    private func took(_ count: Int) {
        guard count > 0 else { return }
        inwardBytes += UInt64(count)
        lastActivity = context.loop.now
        stream?.consumed(count)
    }

    private func writePending() {
        while !pending.isEmpty, let socket, socket.isWritable, !machine.isOver {
            let (result, wanted) = withUnsafeTemporaryAllocation(of: MemorySegment.self, capacity: 8) {
                segments in
                let filled = pending.oldest(into: segments)
                let runs = UnsafeMutableBufferPointer(rebasing: segments[..<filled])
                return (socket.write(runs), runs.reduce(0) { $0 + $1.count })
            }
            switch result {
            case .took(let count):
                pending.drop(count)
                took(count)
                guard count == wanted else { return }
            case .failed:
                perform(machine.socketBroken())
                return
            }
        }
        if pending.isEmpty, batchCount == 0 { perform(machine.delivered()) }
    }

    func receiveEnd() {
        perform(machine.streamEnded(isDelivered: pending.isEmpty && batchCount == 0))
    }

    // MARK: Events from the session

    func targetAnswered(_ failure: StreamFailure?) {
        machine.targetAnswered(failure)
    }

    func streamReset(_ failure: StreamFailure) {
        perform(machine.streamReset(failure))
    }

    func sessionEnded(_ end: SessionEnd) {
        // Bytes that came before the end still belong to the stream.
        deliver()
        perform(machine.sessionEnded(end))
    }
}

// MARK: - Events from the socket

extension Relay: StreamSocketHandler {
    func socketReadable(_ socket: StreamSocket) {
        if machine.readsSocket { stream?.setReady() }
    }

    func socketWritable(_ socket: StreamSocket) {
        if machine.isJoined { writePending() }
    }

    func socketBroken(_ socket: StreamSocket, _ failure: SystemFailure) {
        perform(machine.socketBroken())
    }
}

// MARK: - Ending

extension Relay: TurnEndHandler {
    func turnEnded() {
        perform(machine.turnEnded())
    }

    /// The time when the relay's current wait ends.
    var deadline: Instant {
        guard machine.isJoined else { return connectDeadline }
        var wait = settings.idleTimeout
        // While the relay is half-closed, each byte restarts the wait.
        if machine.isHalfClosed, let half = settings.halfCloseTimeout { wait = min(wait ?? half, half) }
        guard let wait else { return .distantFuture }
        return lastActivity.advanced(by: wait)
    }

    /// The current wait has ended without result.
    func timedOut() {
        if side == .target, !machine.isJoined { stream?.reportTarget(.timeout) }
        perform(machine.timedOut())
    }

    /// This end is shutting down.
    func shutDown() {
        perform(machine.shutDown())
    }

    private func perform(_ action: RelayStateMachine.Action) {
        switch action {
        case .nothing: return
        case .shutDownSocket:
            lastActivity = context.loop.now
            socket?.shutdownWriting()
        case .awaitTurnEnd: context.loop.atEndOfTurn(self)
        case .releaseStream:
            stream?.release()
            stream = nil
        case .finish(let outcome):
            ended(outcome)
            socket?.close()
        case .abort(let outcome, let reset):
            if let reset { stream?.reset(reset) }
            ended(outcome)
            socket?.closeWithReset()
        }
    }

    private func ended(_ outcome: RelayOutcome) {
        connector = nil
        let session = stream?.owner
        stream?.release()
        stream = nil
        owner.relay(self, on: session, ended: outcome)
    }
}
