import Basics
import DequeModule
import SecureLink
import Vocabulary
import WireCoding

/// Sends a payload too long for a message stream on a stream of its own.
///
/// The stream carries the payload's length in eight bytes, the item's header, the payload, and its end. Confined to its
/// loop's thread.
final class LongSender: StreamEndpoint {
    var stream: LinkStream?
    /// The kind and the number of the item; an answer has the number of its request.
    let kind: Item.Kind
    let number: UInt64
    private let header: [UInt8]
    private let payload: [UInt8]
    private var sent = 0
    private var completion: ((SallyportError?) -> Void)?
    private let progress: (@Sendable (TransferProgress) -> Void)?
    /// Called once, when the stream is over.
    var left: (() -> Void)?

    init(
        _ item: Item,
        progress: (@Sendable (TransferProgress) -> Void)?,
        _ completion: @escaping (SallyportError?) -> Void
    ) {
        header = LongHead.encoded(item)
        payload = item.payload.bytes
        kind = item.kind
        number = item.number
        self.progress = progress
        self.completion = completion
    }

    func fill(_ segments: UnsafeMutableBufferPointer<MemorySegment>) -> StreamFill {
        var filled = 0
        for segment in segments {
            guard let base = segment.base else { break }
            let space = UnsafeMutableRawBufferPointer(start: base, count: segment.count)
            var used = 0
            while used < space.count, sent < header.count + payload.count {
                let (source, offset) = sent < header.count ? (header, sent) : (payload, sent - header.count)
                let count = min(source.count - offset, space.count - used)
                source.withUnsafeBytes { bytes in
                    UnsafeMutableRawBufferPointer(rebasing: space[used..<used + count])
                        .copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count]))
                }
                used += count
                sent += count
            }
            filled += used
        }
        if filled > 0, sent > header.count {
            progress?(TransferProgress(done: sent - header.count, total: payload.count))
        }
        guard sent == header.count + payload.count else { return StreamFill(filled, .more) }
        end(nil)
        return StreamFill(filled, .finished)
    }

    private func end(_ failure: SallyportError?) {
        completion?(failure)
        completion = nil
    }

    /// Fails the payload, because no stream can be opened for it.
    func cannotBegin() {
        end(SallyportError(.refused, "no stream can be opened now: there are too many"))
        leave()
    }

    /// Stops sending the payload; if the session has taken all of it, only when `evenIfSent` is set.
    func withdraw(evenIfSent: Bool) {
        guard completion != nil || evenIfSent else { return }
        end(.cancelled)
        leave()
    }

    /// Releases the stream, which is not needed any more.
    private func leave() {
        stream?.release()
        stream = nil
        left?()
        left = nil
    }

    func receive(_ bytes: UnsafeRawBufferPointer) -> Bool {
        stream?.consumed(bytes.count)
        return false
    }

    func deliver() {}

    func receiveEnd() {
        // The other end has received the whole payload.
        leave()
    }

    func targetAnswered(_ failure: StreamFailure?) {}

    func streamReset(_ failure: StreamFailure) {
        let code: SallyportError.Code = failure == .limit ? .tooLarge : .closed
        end(SallyportError(code, "the other end does not take the payload: \(failure.name)"))
        leave()
    }

    func sessionEnded(_ reason: SessionEnd) {
        end(SallyportError(reason))
    }
}

/// Receives a long payload.
///
/// Confined to its loop's thread.
final class LongReceiver: StreamEndpoint {
    static let service = "sallyport.long"

    /// The maximum memory reserved for a payload before it arrives, in bytes.
    ///
    /// Larger: an end that announces payloads and never sends them costs more memory. Smaller: the buffers of more payloads grow
    /// gradually, which copies their bytes.
    private static let maxReserved = 8 << 20

    private let stream: LinkStream
    private unowned let driver: ConnectionDriver
    private var head: [UInt8] = []
    private var item: Item?
    private var count = 0
    private var bytes: [UInt8] = []
    /// The received bytes for which no credit was returned, because the payload is not admitted yet.
    private var owed = 0
    private var isAdmitted = false
    private var isComplete = false
    /// Passes the payload to a handler of chunks, if the item has one.
    private var intake: ChunkIntake?

    init(_ stream: LinkStream, _ driver: ConnectionDriver) {
        self.stream = stream
        self.driver = driver
    }

    func fill(_ segments: UnsafeMutableBufferPointer<MemorySegment>) -> StreamFill {
        StreamFill(0, .drained)
    }

    func receive(_ arrived: UnsafeRawBufferPointer) -> Bool {
        if let intake {
            if !intake.receive(arrived) { refuse("more of a payload than was announced") }
            return false
        }
        owed += arrived.count
        var rest = arrived
        if item == nil {
            let wanted = LongHead.longest - head.count
            head.append(contentsOf: rest.prefix(wanted))
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(wanted))
            guard readHead() else { return false }
            if let intake {
                stream.consumed(owed - bytes.count - rest.count)
                let isWithinLimit = bytes.withUnsafeBytes { intake.receive($0) } && intake.receive(rest)
                bytes = []
                if !isWithinLimit { refuse("more of a payload than was announced") }
                return false
            }
        }
        guard bytes.count + rest.count <= count else {
            refuse("more of a payload than was announced")
            return false
        }
        bytes.append(contentsOf: rest)
        giveCredit()
        return false
    }

    /// Reads the header when all of it has arrived.
    ///
    /// - Returns: whether the item is known.
    private func readHead() -> Bool {
        // A closing connection starts no handlers.
        guard !driver.isBroken else { return false }
        switch LongHead.read(head) {
        case .success(nil): return false
        case .failure(let fault):
            refuse("a payload whose header cannot be read: \(fault.part)")
            return false
        case .success(.some(let found)):
            guard found.payloadCount <= UInt64(driver.connection.options.clampedMaxPayload) else {
                stream.reset(.limit)
                stream.release()
                driver.tooLong(found.item)
                leave()
                return false
            }
            guard found.payloadCount > UInt64(Item.maxPayload) else {
                refuse("a short payload as a long one")
                return false
            }
            item = found.item
            count = Int(found.payloadCount)
            bytes = Array(head[found.count...])
            head = []
            intake = driver.takeChunks(of: found.item, count: count, on: stream)
            if intake == nil { driver.admit(self) }
            return bytes.count <= count
        }
    }

    /// The announced number of bytes.
    var announcedBytes: Int { count }

    /// Continues with a payload for which there is space now.
    func admitted() {
        isAdmitted = true
        // Growing the array gradually would allocate and copy each byte several times.
        bytes.reserveCapacity(min(count, Self.maxReserved))
        giveCredit()
        if isComplete { handOver() }
    }

    private func giveCredit() {
        guard isAdmitted, owed > 0 else { return }
        stream.consumed(owed)
        owed = 0
    }

    func deliver() {}

    func receiveEnd() {
        if let intake {
            if !intake.receiveEnd() { refuse("less of a payload than was announced") }
            return
        }
        guard item != nil, bytes.count == count else {
            refuse("less of a payload than was announced")
            return
        }
        isComplete = true
        if isAdmitted { handOver() }
    }

    /// Passes on the item, whose payload has arrived and is admitted.
    ///
    /// The space that it holds is released when the application takes it.
    private func handOver() {
        guard var item else { return }
        item.payload = Payload(format: item.payload.format, bytes: bytes)
        bytes = []
        stream.release()
        driver.arrived(self)
        driver.receivedLong(item, .long(count))
    }

    func targetAnswered(_ failure: StreamFailure?) {}

    func streamReset(_ failure: StreamFailure) {
        if let intake {
            intake.givenUp(SallyportError(.closed, "the sender does not send the rest of it"))
        } else {
            stream.release()
        }
        leave()
    }

    func sessionEnded(_ end: SessionEnd) {
        intake?.failed(SallyportError(end))
    }

    private func refuse(_ text: String) {
        intake?.failed(SallyportError(.malformed, "the other end sent \(text)"))
        leave()
        driver.violated(text)
    }

    private func leave() {
        driver.forget(self)
    }
}

extension ConnectionDriver {
    /// The maximum number of long payloads that are sent at the same time; others wait.
    ///
    /// Larger: they take the share of the session's window that packets and answers need. Smaller: a payload that the other end
    /// takes slowly holds up more of the others.
    private static let maxSenders = 8

    /// Sends a payload too long for a message stream; calls `sent` when the session has taken all of it.
    func sendLong(
        _ item: Item,
        progress: (@Sendable (TransferProgress) -> Void)?,
        _ sent: @escaping @Sendable (SallyportError?) -> Void
    ) {
        waitingSenders.append(LongSender(item, progress: progress) { sent($0) })
        beginWaiting()
    }

    /// Starts to send waiting payloads, up to the maximum at the same time; starts none while there is no link.
    func beginWaiting() {
        while session.isAttached, longSenders.count < Self.maxSenders,
            let next = waitingSenders.popFirst()
        {
            begin(next)
        }
    }

    private func begin(_ sender: LongSender) {
        guard let stream = session.open(StreamRequest(service: LongReceiver.service), for: sender) else {
            sender.cannotBegin()
            return
        }
        sender.stream = stream
        let id = ObjectIdentifier(sender)
        longSenders[id] = sender
        sender.left = { [weak self] in
            guard let self else { return }
            longSenders[id] = nil
            beginWaiting()
        }
        stream.setReady()
    }

    /// Stops sending a long payload that no call waits for any more.
    func withdrawLong(_ kind: Item.Kind, _ number: UInt64, evenIfSent: Bool) {
        func isMeant(_ sender: LongSender) -> Bool { sender.kind == kind && sender.number == number }
        (waitingSenders.popFirst(where: isMeant) ?? longSenders.values.first(where: isMeant))?
            .withdraw(evenIfSent: evenIfSent)
    }

    func receiveLong(_ stream: LinkStream) -> any StreamEndpoint {
        stream.reportTarget(nil)
        return LongReceiver(stream, self)
    }

    /// Admits a payload, now or when there is space.
    ///
    /// The space is the maximum size of one payload. Payloads that have arrived count until the application takes them.
    func admit(_ receiver: LongReceiver) {
        guard hasSpace(for: receiver) else {
            postponed.append(receiver)
            return
        }
        announcedBytes += receiver.announcedBytes
        admittedReceivers.insert(ObjectIdentifier(receiver))
        receiver.admitted()
    }

    private func hasSpace(for receiver: LongReceiver) -> Bool {
        announcedBytes == 0
            || announcedBytes + receiver.announcedBytes <= connection.options.clampedMaxPayload
    }

    /// Handles that the payload has arrived; it holds its space until the application takes it.
    func arrived(_ receiver: LongReceiver) {
        admittedReceivers.remove(ObjectIdentifier(receiver))
    }

    /// Releases the space of a payload that will not arrive.
    func forget(_ receiver: LongReceiver) {
        postponed.removeAll { $0 === receiver }
        guard admittedReceivers.remove(ObjectIdentifier(receiver)) != nil else { return }
        releaseLong(receiver.announcedBytes)
    }

    /// Releases a number of bytes, and admits the payloads that wait for them.
    func releaseLong(_ count: Int) {
        announcedBytes -= count
        while let next = postponed.first, hasSpace(for: next) {
            postponed.removeFirst()
            admit(next)
        }
    }

    /// Handles a long item that has arrived.
    func receivedLong(_ item: Item, _ charge: HeldCredit) {
        switch item.kind {
        case .packet, .confirmedPacket: received(item, charge, on: .packets)
        case .request, .cancel: received(item, charge, on: .answers)
        case .reply, .failure: received(item, charge, on: .calls)
        case .welcome: violated("a long welcome")
        }
    }

    /// Rejects a payload that is longer than this end accepts: the call that waits for it gets an error.
    func tooLong(_ item: Item) {
        let error = SallyportError(
            .tooLarge,
            "the payload is longer than the \(connection.options.maxPayload) bytes that are allowed"
        )
        switch item.kind {
        case .request, .confirmedPacket: connection.reply(.failure(error, to: item.number))
        case .reply: connection.calls.answered(.failure(error, to: item.number))
        case .packet, .failure, .cancel, .welcome: break
        }
    }
}
