import Basics
package import EventIO
import ProtocolCore
import Vocabulary
import WireCoding

// From the link to the endpoints: read, decrypt, deliver.

extension PeerSession: StreamSocketHandler {
    package func socketReadable(_ socket: StreamSocket) {
        read()
    }

    package func socketWritable(_ socket: StreamSocket) {
        flushSoon()
    }

    package func socketBroken(_ socket: StreamSocket, _ failure: SystemFailure) {
        linkEnded(.ended)
    }

    /// Reads once and delivers the complete records.
    ///
    /// The missing bytes of a partial record are read into its own memory, and whole records into the memory that all links
    /// share.
    func read() {
        wantsRead = false
        guard let socket, lingering == nil else {
            discard()
            return
        }
        let scratch = environment.scratch
        let missing = partial.missing
        // A partial record of unknown length has at most three bytes. They are moved to the front of the shared memory, and the
        // read continues after them.
        let lead = missing.isEmpty ? partial.count : 0
        scratch.copyMemory(from: UnsafeRawBufferPointer(rebasing: partial.bytes[..<lead]))
        segments[0] = MemorySegment(base: missing.baseAddress, count: missing.count)
        segments[1] = MemorySegment(
            base: scratch.baseAddress.map { $0 + lead },
            count: roomForRecords(behind: missing.count) - lead
        )
        let used = missing.isEmpty ? 1..<2 : segments[1].count == 0 ? 0..<1 : 0..<2
        switch socket.read(into: UnsafeMutableBufferPointer(rebasing: segments[used])) {
        case .bytes(let count):
            moved(count)
            let rest = min(count, missing.count)
            partial.took(rest)
            process(fresh: lead + count - rest, isPartialOver: lead > 0 || partial.isWhole)
            if self.socket?.isReadable ?? false { readAgainSoon() }
        case .nothing: break
        case .end, .failed: linkEnded(.ended)
        }
    }

    /// The number of bytes to read into the shared memory, after the missing bytes of a partial record.
    ///
    /// Bulk arrives in records of one length. If more of them are ready than one read takes, reading whole records leaves no
    /// partial record that has to be copied. The unused bytes of a turn are added to the next turn, so that a link whose turn has
    /// room for two and a half records gets its whole part.
    private func roomForRecords(behind missing: Int) -> Int {
        let most = min(maxBytes(.reading) + unusedRoom, environment.scratch.count)
        let length = core.lastRecordCount
        guard length > 0 else { return most }
        let room = max(missing == 0 ? 1 : 0, (most - missing) / length) * length
        unusedRoom = min(max(0, most - missing - room), length)
        return room
    }

    func moved(_ count: Int) {
        traffic.add(count, at: environment.loop.now)
        environment.moved(count)
    }

    func readAgainSoon() {
        wantsRead = true
        guard !isFlushQueued else { return }
        isFlushQueued = true
        environment.loop.atEndOfNextTurn(self)
    }

    /// Delivers the complete records: the one that was partial, then those at the front of the shared memory.
    ///
    /// - Parameters:
    ///   - fresh: the number of bytes in the shared memory.
    ///   - isPartialOver: whether the partial record is complete now, or has moved into the shared memory.
    private func process(fresh: Int, isPartialOver: Bool) {
        if partial.isWhole { _ = open(partial.bytes) }
        let whole = open(UnsafeMutableRawBufferPointer(rebasing: environment.scratch[..<fresh]))
        deliver()
        if isPartialOver { partial.clear() }
        if !core.isAttached {
            partial.rest()
        } else if whole < fresh {
            partial.keep(UnsafeRawBufferPointer(rebasing: environment.scratch[whole..<fresh]))
        }
        if core.hasControl || core.hasTurns { flushSoon() } else { armTimer() }
    }

    /// Processes the bytes that arrived after a handshake.
    func process(received: [UInt8]) {
        received.withUnsafeBytes { environment.scratch.copyMemory(from: $0) }
        process(fresh: received.count, isPartialOver: true)
    }

    /// Decrypts the complete records at the front.
    ///
    /// - Returns: the number of their bytes.
    private func open(_ bytes: UnsafeMutableRawBufferPointer) -> Int {
        var offset = 0
        while offset < bytes.count {
            let consumed = core.receive(
                UnsafeMutableRawBufferPointer(rebasing: bytes[offset...]),
                at: environment.loop.now
            )
            offset += consumed
            takeEvents()
            guard consumed > 0 else { break }
        }
        return offset
    }

    func deliver() {
        for endpoint in touched { endpoint.deliver() }
        touched.removeAll(keepingCapacity: true)
    }

    func takeEvents() {
        while let event = core.nextEvent() {
            switch event {
            case .data(let handle, let bytes):
                guard let endpoint = endpoint(of: handle) else { continue }
                countBulk(of: handle, bytes.count, .reading)
                if endpoint.receive(bytes) { touched.append(endpoint) }
            case .finished(let handle): endpoint(of: handle)?.receiveEnd()
            case .reset(let handle, let failure): endpoint(of: handle)?.streamReset(failure)
            case .openResult(let handle, let failure): endpoint(of: handle)?.targetAnswered(failure)
            case .opened(let handle, let request): opened(handle, request)
            case .roundTrip(let duration): note(.measured(duration))
            case .goAway: note(.goesAway)
            case .detached(let fault): detached(fault)
            case .closed(let end): ended(end)
            }
        }
    }

    private func opened(_ handle: StreamHandle, _ request: StreamRequest) {
        let stream = LinkStream(session: self, handle: handle)
        guard let owner else {
            stream.reset(.notProcessed)
            stream.release()
            return
        }
        if let endpoint = owner.session(self, opened: stream, for: request) { seat(endpoint, at: handle) }
    }

    func seat(_ endpoint: any StreamEndpoint, at handle: StreamHandle) {
        while slots.count <= handle.slot { slots.append(StreamSlot()) }
        slots[handle.slot] = StreamSlot(id: handle.id, endpoint: endpoint)
    }

    func endpoint(of handle: StreamHandle) -> (any StreamEndpoint)? {
        guard handle.slot < slots.count, slots[handle.slot].id == handle.id else { return nil }
        return slots[handle.slot].endpoint
    }
}
