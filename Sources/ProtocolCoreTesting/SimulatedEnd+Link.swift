package import Basics
import ProtocolCore
package import Vocabulary
import WireCoding

/// What an end does on its link.
enum LinkPhase {
    /// Records go both ways, as far as the end knows.
    case talking
    /// There is no link.
    case unlinked
    /// The client has asked to go on with the session.
    case asking(ClientResumption)
    /// The server waits for somebody to ask; the link that it had, it may still believe in.
    case listening
}

// From the streams to the link and back, as a driver does it.

extension SimulatedEnd {
    /// Sends what there is to send, as a driver does at the end of its turn.
    ///
    /// At most `limit` bytes of streams go.
    ///
    /// - Returns: what goes onto the link.
    package func pump(at now: Instant, limit: Int = .max) -> [UInt8] {
        turn(at: now, limit: limit)
        var bytes: [UInt8] = []
        write {
            bytes += $0
            return $0.count
        }
        return bytes
    }

    /// Fills records with what there is to send, up to `limit` bytes of streams.
    package func turn(at now: Instant, limit: Int = .max) {
        session.beginSending(at: now, upTo: limit == .max ? 0 : limit)
        var left = limit
        while left > 0, let slot = session.nextSlot(atMost: left) {
            left -= fill(slot)
        }
        session.endSending()
        sabotage.after(self)
    }

    /// Offers what is unwritten to a link that answers how much of it it took.
    package func write(to link: (UnsafeRawBufferPointer) -> Int) {
        if !preamble.isEmpty {
            preamble.removeFirst(preamble.withUnsafeBytes(link))
            guard preamble.isEmpty else { return }
        }
        if case .asking = phase { return }
        // Into a link that is not there any more, a system takes whatever it has room for.
        let isLost = if case .listening = phase { true } else { false }
        withUnsafeTemporaryAllocation(of: MemorySegment.self, capacity: 8) { segments in
            while true {
                let filled = session.unwritten(into: segments)
                guard filled > 0 else { return }
                for segment in segments[..<filled] {
                    let bytes = UnsafeRawBufferPointer(start: segment.base, count: segment.count)
                    let taken = isLost ? bytes.count : link(bytes)
                    session.wrote(taken)
                    guard taken == segment.count else { return }
                }
            }
        }
    }

    /// How many bytes there are for the link.
    package var unwrittenCount: Int { preamble.count + (session.isAttached ? session.unwrittenCount : 0) }

    /// Bytes arrive.
    package func deliver(_ bytes: [UInt8], at now: Instant) {
        inbound += bytes
        while !inbound.isEmpty {
            let consumed =
                switch phase {
                case .talking: takeRecords(at: now)
                case .unlinked: inbound.count
                case .asking(let resumption): takeAnswer(to: resumption, at: now)
                case .listening: takeHello(at: now)
                }
            guard consumed > 0 else { break }
            inbound.removeFirst(min(consumed, inbound.count))
        }
        sabotage.after(self)
    }

    private func takeRecords(at now: Instant) -> Int {
        inbound.withUnsafeMutableBytes { buffer in
            let consumed = session.receive(buffer, at: now)
            takeEvents()
            return consumed
        }
    }
}

// MARK: - Losing a link and taking another

extension SimulatedEnd {
    /// The end notices that its link is gone.
    package func loseLink(_ fault: LinkFault = .ended, at now: Instant) {
        inbound = []
        preamble = []
        phase = .unlinked
        session.linkEnded(fault, at: now)
        takeEvents()
    }

    /// Whether records go both ways, as far as the end knows.
    package var isTalking: Bool { if case .talking = phase { true } else { false } }

    /// The client has another link, and asks to go on with the session there.
    package func ask() {
        let attempt = session.nextAttempt()
        let resumption = ClientResumption(
            session.proof,
            attempt: attempt,
            received: session.receivedRecords &+ sabotage.exaggeration,
            random: [UInt8](repeating: UInt8(truncatingIfNeeded: attempt), count: 32)
        )
        inbound = []
        preamble = resumption.message
        phase = .asking(resumption)
    }

    /// The server has accepted another link, and knows nothing of who is there.
    package func listen() {
        inbound = []
        preamble = []
        phase = .listening
    }

    private func takeAnswer(to resumption: ClientResumption, at now: Instant) -> Int {
        do {
            guard let (consumed, received) = try inbound.withUnsafeBytes(resumption.receive) else {
                return 0
            }
            phase = .talking
            _ = try session.resume(received: received, at: now)
            resumptions += 1
            takeEvents()
            return consumed
        } catch HandshakeFault.rejected(.noSession, _) {
            phase = .unlinked
            session.abandon(.unknownToServer)
            takeEvents()
        } catch {
            refuse("the server's answer", error)
        }
        return inbound.count
    }

    private func takeHello(at now: Instant) -> Int {
        do {
            guard
                let (_, count) = try inbound.withUnsafeBytes({ bytes in
                    try HandshakeFrame.measure(bytes, expecting: [.clientHello])
                })
            else { return 0 }
            let hello = try inbound.withUnsafeBytes { bytes in
                try ClientHello(frame: UnsafeRawBufferPointer(rebasing: bytes[..<count]))
            }
            guard case .resume(let request) = hello.request, request.isProved(by: session.proof),
                request.attempt > lastAttempt
            else { throw HandshakeFault.noSession }
            guard session.isOpen else {
                phase = .unlinked
                preamble = Reject(code: .noSession).encoded()
                return count
            }
            lastAttempt = request.attempt
            // What still comes by the old link is of no use any more.
            _ = try session.resume(received: request.received, at: now)
            takeEvents()
            resumptions += 1
            phase = .talking
            preamble = request.answer(
                with: session.proof,
                received: session.receivedRecords,
                random: [UInt8](repeating: 3, count: 32)
            )
            return count
        } catch {
            refuse("a hello", error)
        }
        return inbound.count
    }

    private func refuse(_ what: String, _ error: any Error) {
        takeEvents()
        phase = .unlinked
        damage.append("\(what) was refused: \(error)")
    }
}
