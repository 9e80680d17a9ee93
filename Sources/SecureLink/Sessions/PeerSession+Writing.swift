import Basics
import EventIO
import ProtocolCore
import Vocabulary
import WireCoding

// From the endpoints to the link, once a turn: choose a stream, encrypt, write.

extension PeerSession: TurnEndHandler {
    package func turnEnded() {
        // Once a turn, no matter how much there is to read: others need the processor too.
        if wantsRead { read() }
        // Reset only now, so that the read above does not queue a flush, which follows anyway.
        isFlushQueued = false
        if requestedEnd != nil { carryOutRequest() }
        if lingering == nil { flush() } else { finishWriting() }
        if !notices.isEmpty { tellNotices() }
        if wantsRead { readAgainSoon() }
    }

    func flush() {
        guard socket != nil, lingering == nil else { return }
        let limit = turnLimit
        core.beginSending(at: environment.loop.now, upTo: limit)
        // A small rest of a turn is not worth a system call and a record.
        let least = limit / 4
        var left = core.unwrittenCount < least ? limit : 0
        let before = left
        while left > least, let slot = core.nextSlot(atMost: left) {
            guard let endpoint = endpoint(of: slot.stream) else {
                core.commit(slot, StreamFill(0, .drained))
                continue
            }
            let fill = endpoint.fill(slot.segments)
            core.commit(slot, fill)
            countBulk(of: slot.stream, fill.count, .writing)
            left -= max(fill.count, Self.minHeldCredit)
        }
        core.endSending()
        if left < before { moved(before - left) }
        writeOut()
        takeEvents()
        if core.hasTurns, core.unwrittenCount < least, !isFlushQueued {
            isFlushQueued = true
            environment.loop.atEndOfNextTurn(self)
        }
        armTimer()
    }

    /// The maximum number of stream bytes that a turn seals: what the link carries in ten milliseconds.
    ///
    /// On a fast link this is one read of the other end. On a slow link all sealed bytes are sent before later bytes that may be
    /// more urgent. Therefore a turn takes more from streams only when less than a quarter of a turn is left to write.
    private var turnLimit: Int {
        min(max(traffic.recent(at: environment.loop.now) / 5, Workload.minTurn), maxBytes(.writing))
    }

    /// The minimum that a stream uses of a turn, so that a turn in which many streams have nothing to send ends too.
    private static let minHeldCredit = 64

    /// Writes waiting bytes as long as the socket takes them.
    func writeOut() {
        while let socket, socket.isWritable {
            let (count, wanted) = preamble.isEmpty ? writeRecords(socket) : writePreamble(socket)
            guard let count else {
                linkEnded(.ended)
                return
            }
            guard count == wanted, count > 0 else { return }
        }
    }

    private func writeRecords(_ socket: StreamSocket) -> (took: Int?, of: Int) {
        let filled = core.unwritten(into: segments)
        guard filled > 0 else { return (0, 0) }
        let runs = UnsafeMutableBufferPointer(rebasing: segments[..<filled])
        let wanted = runs.reduce(0) { $0 + $1.count }
        guard case .took(let count) = socket.write(runs) else { return (nil, wanted) }
        core.wrote(count)
        return (count, wanted)
    }

    /// Writes the end of the handshake and the first records together.
    private func writePreamble(_ socket: StreamSocket) -> (took: Int?, of: Int) {
        let filled = core.unwritten(
            into: UnsafeMutableBufferPointer(rebasing: segments[1...])
        )
        let (result, wanted) = preamble.withUnsafeBytes { bytes in
            segments[0] = MemorySegment(reading: bytes)
            let runs = UnsafeMutableBufferPointer(rebasing: segments[..<(filled + 1)])
            return (socket.write(runs), runs.reduce(0) { $0 + $1.count })
        }
        guard case .took(let count) = result else { return (nil, wanted) }
        let ofPreamble = min(count, preamble.count)
        preamble.removeFirst(ofPreamble)
        core.wrote(count - ofPreamble)
        return (count, wanted)
    }

    func armTimer() {
        guard let next = core.nextTimeout else { return }
        // A timer that fires too early is set again; moving it at every record would cost more.
        guard next < armedFor else { return }
        armedFor = next
        timer?.schedule(at: next)
    }

    func timeout() {
        armedFor = .distantFuture
        if lingering != nil {
            letGo()
            return
        }
        core.handleTimeout(at: environment.loop.now)
        takeEvents()
        if core.hasControl { flushSoon() }
        armTimer()
    }
}
