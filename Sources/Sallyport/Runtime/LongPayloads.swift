import Basics
import SecureLink
import Vocabulary
import WireCoding

/// A payload too long for a lane goes by a stream of its own: the length of the payload in eight bytes, the item's header, the
/// payload, the end.
///
/// Confined to its loop's thread.
final class LongSender: StreamEndpoint {
    var stream: LinkStream?
    /// What it is, and which one: an answer has the number of what it answers.
    let kind: Item.Kind
    let number: UInt64
    private let header: [UInt8]
    private let payload: [UInt8]
    private var sent = 0
    private var completion: ((SallyportError?) -> Void)?
    private let progress: (@Sendable (TransferProgress) -> Void)?
    /// Called once when its stream is over.
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

    /// There is no stream for it.
    func cannotBegin() {
        end(SallyportError(.refused, "no stream can be opened now: there are too many"))
        leave()
    }

    /// Nobody wants it to be sent any more; whether what the session has already taken still goes is for the caller to
    /// say.
    func withdraw(evenIfSent: Bool) {
        guard completion != nil || evenIfSent else { return }
        end(.cancelled)
        leave()
    }

    /// There is no more to be done for it.
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
        // The other end has all of it.
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

/// Puts a long payload together.
///
/// Confined to its loop's thread.
final class LongReceiver: StreamEndpoint {
    static let service = "sallyport.long"

    /// Memory is asked for so many bytes of a payload before they come: more would be for who announces and never sends.
    private static let maxReserved = 8 << 20

    private let stream: LinkStream
    private unowned let driver: ConnectionDriver
    private var head: [UInt8] = []
    private var item: Item?
    private var count = 0
    private var bytes: [UInt8] = []
    /// What came and was not given back as credit: the stream's turn has not come.
    private var owed = 0
    private var isAdmitted = false
    private var isComplete = false
    /// What takes the payload while it comes, where that is so.
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

    /// Reads the header when it is there.
    ///
    /// - Returns: whether the item is known.
    private func readHead() -> Bool {
        // Nothing is begun any more.
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

    /// How many bytes were announced.
    var announcedBytes: Int { count }

    /// There is room for all of it now.
    func admitted() {
        isAdmitted = true
        // To grow by and by would have every byte copied, and its memory asked for, more than once.
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

    /// All of it is here, and there is room for it.
    ///
    /// What it took is given back when it was taken.
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
    /// Long payloads that go to the other end at a time; others wait.
    ///
    /// More would take of the session's window what packets and answers need.
    private static let maxSenders = 8

    /// Sends what is too long for a lane; `sent` is called when the session has taken all of it.
    func sendLong(
        _ item: Item,
        progress: (@Sendable (TransferProgress) -> Void)?,
        _ sent: @escaping @Sendable (SallyportError?) -> Void
    ) {
        waitingSenders.append(LongSender(item, progress: progress) { sent($0) })
        beginWaiting()
    }

    /// Begins with what waits, as far as there is room; while there is no link, nothing can be begun.
    func beginWaiting() {
        while session.isAttached, longSenders.count < Self.maxSenders,
            let next = waitingSenders.removeFirst()
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

    /// Nobody waits any more for a long payload to be sent.
    func withdrawLong(_ kind: Item.Kind, _ number: UInt64, evenIfSent: Bool) {
        func isMeant(_ sender: LongSender) -> Bool { sender.kind == kind && sender.number == number }
        (waitingSenders.removeFirst(where: isMeant) ?? longSenders.values.first(where: isMeant))?
            .withdraw(evenIfSent: evenIfSent)
    }

    func receiveLong(_ stream: LinkStream) -> any StreamEndpoint {
        stream.reportTarget(nil)
        return LongReceiver(stream, self)
    }

    /// Lets a payload come in, now or when there is room: so many bytes as one may have are held at a time, those included
    /// that are here and not taken.
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

    /// A payload is here, and still takes its room.
    func arrived(_ receiver: LongReceiver) {
        admittedReceivers.remove(ObjectIdentifier(receiver))
    }

    /// A payload will not come.
    func forget(_ receiver: LongReceiver) {
        postponed.removeAll { $0 === receiver }
        guard admittedReceivers.remove(ObjectIdentifier(receiver)) != nil else { return }
        releaseLong(receiver.announcedBytes)
    }

    /// There is room for so many bytes more.
    func releaseLong(_ count: Int) {
        announcedBytes -= count
        while let next = postponed.first, hasSpace(for: next) {
            postponed.removeFirst()
            admit(next)
        }
    }

    /// A long payload is there.
    func receivedLong(_ item: Item, _ charge: HeldCredit) {
        switch item.kind {
        case .packet, .confirmedPacket: received(item, charge, on: .packets)
        case .request, .cancel: received(item, charge, on: .answers)
        case .reply, .failure: received(item, charge, on: .calls)
        case .welcome: violated("a long welcome")
        }
    }

    /// What was announced is more than this end takes: who waits for it is told.
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
