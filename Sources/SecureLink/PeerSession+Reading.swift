package import EventIO
import ProtocolCore

// From the link to the streams' plain ends: read, open, hand out.

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

    /// Reads once and hands out what is whole.
    func read() {
        wantsRead = false
        guard let socket, lingering == nil else {
            discard()
            return
        }
        let scratch = environment.scratch
        let space = scratch[carried.count..<carried.count + environment.turnBytes]
        switch socket.read(into: UnsafeMutableRawBufferPointer(rebasing: space)) {
        case .bytes(let count):
            moved(count)
            process(fresh: count)
            if self.socket?.isReadable ?? false { readAgainSoon() }
        case .nothing: break
        case .end, .failed: linkEnded(.ended)
        }
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

    /// Hands out the whole records among what was carried over and what lies behind it in the shared buffer.
    func process(fresh: Int) {
        guard let base = environment.scratch.baseAddress else { return }
        let total = carried.count + fresh
        carried.withUnsafeBytes {
            base.copyMemory(from: $0.baseAddress ?? UnsafeRawPointer(base), byteCount: $0.count)
        }
        carried.removeAll(keepingCapacity: true)
        var offset = 0
        while offset < total {
            let rest = UnsafeMutableRawBufferPointer(start: base + offset, count: total - offset)
            let consumed = core.receive(rest, at: environment.now)
            offset += consumed
            takeEvents()
            guard consumed > 0 else { break }
        }
        deliver()
        if offset < total, core.isAttached {
            carried.append(contentsOf: UnsafeRawBufferPointer(start: base + offset, count: total - offset))
        }
        if core.hasControl || core.hasTurns { flushSoon() } else { armTimer() }
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
                if endpoint.receive(bytes) { touched.append(endpoint) }
            case .finished(let handle): endpoint(of: handle)?.receiveEnd()
            case .reset(let handle, let code): endpoint(of: handle)?.streamReset(StreamFailure(code))
            case .openResult(let handle, let code, let detail):
                let failure = code == .connected ? nil : StreamFailure(code, detail: detail)
                endpoint(of: handle)?.targetAnswered(failure)
            case .opened(let handle, let request): opened(handle, request)
            case .roundTrip(let duration): owner?.session(self, measured: duration)
            case .goAway: owner?.sessionGoesAway(self)
            case .message: break
            case .detached(let fault): detached(fault)
            case .closed(let end): ended(SessionEndReason(end, whenDetached: hasLostLink ? abandonment : nil))
            }
        }
    }

    private func opened(_ handle: StreamHandle, _ frame: OpenRequest) {
        let stream = LinkStream(session: self, handle: handle)
        let request = StreamRequest(
            service: frame.service,
            source: frame.source,
            destination: frame.destination,
            trace: frame.trace
        )
        guard let owner else {
            stream.reset(.notProcessed)
            stream.release()
            return
        }
        if let endpoint = owner.session(self, opened: stream, for: request) { seat(endpoint, at: handle) }
    }

    func seat(_ endpoint: any StreamEndpoint, at handle: StreamHandle) {
        while seats.count <= handle.slot { seats.append(Seat()) }
        seats[handle.slot] = Seat(id: handle.id, endpoint: endpoint)
    }

    func endpoint(of handle: StreamHandle) -> (any StreamEndpoint)? {
        guard handle.slot < seats.count, seats[handle.slot].id == handle.id else { return nil }
        return seats[handle.slot].endpoint
    }
}
