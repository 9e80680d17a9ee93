import Basics
import EventIO
import SecureLink
import Vocabulary
import WireCoding

/// Joins a plain socket, the visitor's or the target's, with a stream: two directions that come to their ends one by one.
///
/// ```
/// socket ──► outward: read straight into the record when it is the stream's turn ──► stream
/// socket ◄── inward: written straight from the opened record; what does not fit waits ◄── stream
/// ```
/// Back-pressure is the shape of it: outward nothing is read without credit, inward credit is given back for what the socket
/// took. Confined to its worker's thread.
final class Relay {
    /// How far a direction has come.
    enum Direction {
        case open
        /// The end has come, but bytes before it still wait for the socket.
        case ending
        case finished
    }

    /// Which plain side this relay holds.
    let side: Party
    /// What the log says about the stream besides its numbers.
    var facts: StreamFacts
    let settings: StreamSettings
    unowned let worker: TunnelWorker

    var socket: StreamSocket?
    var stream: LinkStream?
    var outward = Direction.open
    var inward = Direction.open
    var pending: PendingBytes
    /// Addresses of the target that have not been tried.
    var candidates: ArraySlice<SocketAddress> = []
    var connectFailure: StreamFailure?
    /// Whether our plain side is connected and there is a stream.
    var isConnected = false
    /// Whether the other end has said that the target is connected.
    var isTargetConfirmed = false
    var isRegistered = false
    /// Whether the plain side has sent much at once.
    private var sendsBulk = false
    var isOver = false
    /// At the visitor's side, the sessions that it was to be carried by.
    weak var links: PeerLinks?
    /// The session that carried the stream, after it is over.
    var sessionAtEnd: PeerSession?
    /// Whether the route wants a session of its own for each stream.
    var isExclusive = false
    /// Whether there was a session, and the peer allows no more streams in it.
    var isHeldUpByLimit = false
    /// Whether the program itself is the visitor, and wants to know how it ended.
    var isOwnVisitor = false
    /// Who came to an end first.
    var firstEnd: Party?

    /// Bytes that went from the socket to the stream, and from the stream to the socket.
    private(set) var outwardBytes: UInt64 = 0
    private(set) var inwardBytes: UInt64 = 0
    let startedAt: Instant
    var lastActivity: Instant
    /// When the wait for the target or for a session ends.
    var connectDeadline = Instant.distantFuture
    /// Its place in the worker's list.
    var place = -1

    /// So many bytes that are there at once are not a question or an answer.
    private static let bulkBytes = 64000

    private var batch = InlineArray<8, MemorySegment>(repeating: MemorySegment(base: nil, count: 0))
    private var batchCount = 0

    init(side: Party, facts: StreamFacts, settings: StreamSettings, worker: TunnelWorker) {
        self.side = side
        self.facts = facts
        self.settings = settings
        self.worker = worker
        pending = PendingBytes(worker.shared.budget)
        startedAt = worker.loop.now
        lastActivity = startedAt
    }

    deinit {
        socket?.close()
    }

    /// Bytes from the visitor to the target.
    var upBytes: UInt64 { side == .visitor ? outwardBytes : inwardBytes }
    /// Bytes from the target to the visitor.
    var downBytes: UInt64 { side == .visitor ? inwardBytes : outwardBytes }
    /// What the other end is asked for.
    var request: StreamRequest {
        StreamRequest(service: facts.service, source: facts.source, trace: facts.id)
    }
    /// The end of the tunnel that this is.
    var ownEnd: Party { side == .visitor ? .opener : .acceptor }

    /// Socket and stream are there: begins to move bytes.
    func start() {
        isConnected = true
        connectDeadline = .distantFuture
        lastActivity = worker.loop.now
        writePending()
        // A visitor has often spoken already. A target speaks when it was spoken to: its socket will tell.
        if side == .visitor { stream?.setReady() }
    }
}

// MARK: - Outward

extension Relay {
    func fill(_ segments: UnsafeMutableBufferPointer<MemorySegment>) -> StreamFill {
        guard !isOver, outward == .open, let socket else { return StreamFill(0, .drained) }
        let fill: StreamFill
        switch socket.read(into: segments) {
        case .bytes(let count):
            outwardBytes += UInt64(count)
            lastActivity = worker.loop.now
            if count >= Self.bulkBytes, !sendsBulk {
                sendsBulk = true
                socket.expectBulk()
            }
            fill = StreamFill(count, socket.isReadable ? .more : .drained)
        case .nothing:
            fill = StreamFill(0, .drained)
        case .end:
            outward = .finished
            if firstEnd == nil { firstEnd = side }
            lastActivity = worker.loop.now
            // The session takes note of the end when this call is over; only then can the stream be released.
            if inward == .finished { worker.finishLater(self) }
            fill = StreamFill(0, .finished)
        case .failed(let failure):
            broken(failure)
            return StreamFill(0, .drained)
        }
        register()
        return fill
    }

    /// The socket is registered with its loop after it was read for the first time: most visitors speak
    /// first, and what they say is often there already.
    ///
    /// Registered before, the loop would be woken to be told so.
    func register() {
        guard !isRegistered, let socket else { return }
        isRegistered = true
        do throws(SystemFailure) {
            try socket.start(self)
        } catch {
            guard let shortage = error.shortage else {
                broken(error)
                return
            }
            worker.noteLimit(shortage)
            stream?.reset(.limit)
            end(RelayOutcome(ending: .limit, by: ownEnd))
        }
    }
}

// MARK: - Inward

extension Relay {
    func receive(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard !isOver, inward == .open else {
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
        guard count > 0, !isOver else { return }
        withUnsafeTemporaryAllocation(of: MemorySegment.self, capacity: count) { segments in
            for index in 0..<count { segments[index] = batch[index] }
            deliver(segments)
        }
        if inward == .ending, pending.isEmpty { finishInward() }
    }

    private func deliver(_ segments: UnsafeMutableBufferPointer<MemorySegment>) {
        var taken = 0
        if isConnected, pending.isEmpty, let socket {
            switch socket.write(segments) {
            case .took(let count): taken = count
            case .failed(let failure):
                broken(failure)
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

    /// The socket took bytes: the peer gets credit for as many.
    private func took(_ count: Int) {
        guard count > 0 else { return }
        inwardBytes += UInt64(count)
        lastActivity = worker.loop.now
        stream?.consumed(count)
    }

    func writePending() {
        while !pending.isEmpty, let socket, socket.isWritable, !isOver {
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
            case .failed(let failure):
                broken(failure)
                return
            }
        }
        if pending.isEmpty, inward == .ending, batchCount == 0 { finishInward() }
    }

    func receiveEnd() {
        guard !isOver, inward == .open else { return }
        inward = .ending
        if firstEnd == nil { firstEnd = side.opposite }
        // The target may not be connected yet, and bytes may wait to be delivered.
        if isConnected, pending.isEmpty, batchCount == 0 { finishInward() }
    }

    /// All bytes were written: the socket learns that these were all.
    private func finishInward() {
        guard isConnected else { return }
        inward = .finished
        lastActivity = worker.loop.now
        if outward == .finished {
            finish()
        } else {
            socket?.shutdownWriting()
        }
    }
}
