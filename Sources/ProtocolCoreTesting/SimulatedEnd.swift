package import Basics
package import ProtocolCore
package import Vocabulary
import WireCoding

/// One end of a simulated exchange: a session, the bytes that its streams have to send, and those that arrived on them.
///
/// It behaves as a driver does, and also checks that every byte is the one that was sent.
package final class SimulatedEnd {
    package var session: Session
    package private(set) var streams: [UInt32: SimulatedStream] = [:]
    /// The released streams, in their state at release.
    package private(set) var released: [UInt32: SimulatedStream] = [:]
    package private(set) var end: SessionEnd?
    package private(set) var requests: [UInt32: StreamRequest] = [:]
    package internal(set) var damage: [String] = []
    /// Whether arrived bytes are taken at once; otherwise ``take(_:of:)`` takes them.
    package var takesAtOnce = true
    /// The number of bytes that a stream opened by the peer sends back, followed by the end; `nil` for none.
    package var answer: UInt64?
    /// A deliberate fault of this end, to check that tests detect it.
    package var sabotage = Sabotage()
    /// The faults of the lost links, oldest first.
    package private(set) var losses: [LinkFault] = []
    /// The number of successful resumptions.
    package internal(set) var resumptions = 0
    /// The state of the end with regard to its link.
    var phase = LinkPhase.talking
    var inbound: [UInt8] = []
    /// The bytes to send before the first record.
    var preamble: [UInt8] = []
    /// The number of the peer's last accepted resumption attempt.
    var lastAttempt: UInt64 = 0
    let role: Session.Role

    /// Deliberate faults of an end, outside its session.
    package struct Sabotage {
        /// Called when a stream has sent all its bytes and its end is due; the returned value goes to the session instead.
        package var ending: (SimulatedEnd, StreamHandle) -> StreamFill.Rest = { _, _ in .finished }
        /// Called after each turn and each delivery.
        package var after: (SimulatedEnd) -> Void = { _ in }
        /// The number that a resumption request adds to the true number of received records.
        package var exaggeration: UInt64 = 0

        /// Creates a sabotage without any fault.
        package init() {}
    }

    package init(_ role: Session.Role, _ session: consuming Session) {
        self.role = role
        self.session = session
    }

    // MARK: Streams

    /// Opens a stream that sends `count` bytes and then, if `thenEnd` is true, the end.
    package func open(sending count: UInt64, thenEnd: Bool, at now: Instant) -> StreamHandle? {
        guard let handle = session.open(StreamRequest(service: "echo", trace: "t"), at: now) else {
            return nil
        }
        streams[handle.id.rawValue] = SimulatedStream(handle, role)
        send(count, thenEnd: thenEnd, on: handle)
        return handle
    }

    /// Gives a stream more bytes to send.
    package func send(_ count: UInt64, thenEnd: Bool, on handle: StreamHandle) {
        streams[handle.id.rawValue]?.toSend += count
        streams[handle.id.rawValue]?.endsAfter = thenEnd
        session.setReady(handle)
    }

    /// Ends this end's direction of a stream, even if the stream never gets a turn for it.
    package func finish(_ id: UInt32) {
        guard let stream = streams[id], !stream.hasSentEnd, !stream.isOver else { return }
        streams[id]?.toSend = stream.sent
        streams[id]?.hasSentEnd = true
        session.finish(stream.handle)
    }

    /// Resets a stream.
    package func reset(_ id: UInt32, _ code: StreamFailure, at now: Instant) {
        guard let stream = streams[id], !stream.isOver else { return }
        session.reset(stream.handle, code, at: now)
        streams[id]?.sentReset = code
    }

    /// Stalls the reader of a stream, or lets it continue.
    package func stall(_ id: UInt32, _ isStalled: Bool) {
        streams[id]?.isStalled = isStalled
    }

    /// Lets the reader of a stream take up to `count` bytes.
    package func take(_ count: Int, of id: UInt32) {
        guard let stream = streams[id], !stream.isStalled else { return }
        let taken = min(count, stream.waiting)
        streams[id]?.waiting -= taken
        session.consumed(taken, on: stream.handle)
    }

    /// Releases a stream that its owner no longer needs.
    package func release(_ id: UInt32, at now: Instant) {
        guard var stream = streams.removeValue(forKey: id) else { return }
        session.release(stream.handle, at: now)
        if !stream.isOver { stream.sentReset = .cancelled }
        released[id] = stream
    }

    /// Releases the streams that are over, as a driver does when both of its sockets are closed.
    package func releaseWhatIsOver(at now: Instant) {
        for (id, stream) in streams where stream.isOver { release(id, at: now) }
    }

    /// Returns the stream, released or not.
    package func anyStream(_ id: UInt32) -> SimulatedStream? { streams[id] ?? released[id] }

    /// The numbers of all streams, including the released ones.
    package var allIDs: [UInt32] { Array(streams.keys) + Array(released.keys) }

    // MARK: Time and events

    /// Fires the session's timers that are due.
    package func handleTimeouts(at now: Instant) {
        guard let next = session.nextTimeout, next <= now else { return }
        session.handleTimeout(at: now)
        takeEvents()
    }

    /// Handles the session's pending events, also those without received bytes: timeouts, the loss of the link.
    package func takeEvents() {
        while let event = session.nextEvent() { handle(event) }
    }

    // MARK: Properties of the session, for expectations: `#expect` cannot copy the session itself

    package var keptCount: Int { session.keptCount }
    package var isSpent: Bool { session.isSpent }
    package var nextTimeout: Instant? { session.nextTimeout }
    package var shortestRoundTrip: Duration? { session.shortestRoundTrip }

    // MARK: Implementation

    func fill(_ slot: SendSlot) -> Int {
        let id = slot.stream.id.rawValue
        guard var stream = streams[id] else {
            session.commit(slot, StreamFill(0, .drained))
            return 0
        }
        let count = Int(min(UInt64(slot.count), stream.toSend - stream.sent))
        var left = count
        for segment in slot.segments where left > 0 {
            let part = min(left, segment.count)
            TestContent.fill(
                UnsafeMutableRawBufferPointer(start: segment.base, count: part),
                seed: stream.sendSeed,
                offset: stream.sent
            )
            stream.sent += UInt64(part)
            left -= part
        }
        let isEnd = stream.sent == stream.toSend && stream.endsAfter
        if isEnd { stream.hasSentEnd = true }
        let rest: StreamFill.Rest =
            stream.sent < stream.toSend ? .more : isEnd ? sabotage.ending(self, slot.stream) : .drained
        streams[id] = stream
        session.commit(slot, StreamFill(count, rest))
        return count
    }

    private func handle(_ event: SessionEvent) {
        if end != nil { damage.append("an event after the end: \(event)") }
        switch event {
        case .opened(let handle, let request):
            let id = handle.id.rawValue
            if anyStream(id) != nil { damage.append("stream \(id): opened twice") }
            streams[id] = SimulatedStream(handle, role)
            requests[id] = request
            if let answer { send(answer, thenEnd: true, on: handle) }
        case .data(let handle, let bytes): receive(bytes, on: handle.id.rawValue)
        case .finished(let handle):
            let id = handle.id.rawValue
            if streams[id]?.hasEnded == true { damage.append("stream \(id): two ends") }
            streams[id]?.hasEnded = true
        case .reset(let handle, let code):
            let id = handle.id.rawValue
            if streams[id]?.resetCode != nil { damage.append("stream \(id): reset twice") }
            streams[id]?.resetCode = code
        case .openResult(let handle, let failure): streams[handle.id.rawValue]?.openResult = .some(failure)
        case .closed(let end): self.end = end
        case .detached(let fault):
            losses.append(fault)
            phase = .unlinked
        case .roundTrip, .goAway: break
        }
    }

    private func receive(_ bytes: UnsafeRawBufferPointer, on id: UInt32) {
        guard let stream = streams[id] else {
            if released[id] == nil { damage.append("stream \(id): bytes before it was opened") }
            return
        }
        if stream.hasEnded { damage.append("stream \(id): bytes after the end") }
        if stream.resetCode != nil { damage.append("stream \(id): bytes after it was reset") }
        if !TestContent.matches(bytes, seed: stream.receiveSeed, offset: stream.received) {
            damage.append("stream \(id): wrong bytes from \(stream.received) on")
        }
        streams[id]?.received += UInt64(bytes.count)
        streams[id]?.waiting += bytes.count
        if takesAtOnce { take(bytes.count, of: id) }
    }
}
