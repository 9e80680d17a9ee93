package import Basics
import ProtocolCore
package import Vocabulary
import WireCoding

/// The state of an end with regard to its link.
enum LinkPhase {
    /// Records flow in both directions, as far as the end knows.
    case talking
    /// There is no link.
    case unlinked
    /// The client has sent a resumption request.
    case asking(ClientResumption)
    /// The server waits for a resumption request; it may not have noticed that its previous link is lost.
    case listening
}

// Moves bytes from the streams to the link and back, as a driver does.

extension SimulatedEnd {
    /// Fills and writes records, as a driver does at the end of its turn.
    ///
    /// The records contain at most `limit` bytes of streams.
    ///
    /// - Returns: the bytes for the link.
    package func pump(at now: Instant, limit: Int = .max) -> [UInt8] {
        turn(at: now, limit: limit)
        var bytes: [UInt8] = []
        write {
            bytes += $0
            return $0.count
        }
        return bytes
    }

    /// Fills records with everything that is waiting, up to `limit` bytes of streams.
    package func turn(at now: Instant, limit: Int = .max) {
        session.beginSending(at: now, upTo: limit == .max ? 0 : limit)
        var left = limit
        while left > 0, let slot = session.nextSlot(atMost: left) {
            left -= fill(slot)
        }
        session.endSending()
        sabotage.after(self)
    }

    /// Offers the unwritten bytes to a link, which returns the number of bytes that it accepted.
    package func write(to link: (UnsafeRawBufferPointer) -> Int) {
        if !preamble.isEmpty {
            preamble.removeFirst(preamble.withUnsafeBytes(link))
            guard preamble.isEmpty else { return }
        }
        if case .asking = phase { return }
        // A system accepts bytes for a lost connection as long as its buffer has room.
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

    /// The number of bytes that wait for the link.
    package var unwrittenCount: Int { preamble.count + (session.isAttached ? session.unwrittenCount : 0) }

    /// Passes received bytes to the end.
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

// MARK: - Loss of the link and resumption

extension SimulatedEnd {
    /// The end notices that its link is gone.
    package func loseLink(_ fault: LinkFault = .ended, at now: Instant) {
        inbound = []
        preamble = []
        phase = .unlinked
        session.linkEnded(fault, at: now)
        takeEvents()
    }

    /// Whether records flow in both directions, as far as the end knows.
    package var isTalking: Bool { if case .talking = phase { true } else { false } }

    /// Sends a resumption request on the client's new link.
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

    /// Waits on the server's new link for a request from a client that is not known yet.
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
            // From here on, the server ignores bytes that still arrive on the old link.
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
