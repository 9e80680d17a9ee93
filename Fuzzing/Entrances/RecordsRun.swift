import Basics
import CryptoPrimitives
import ProtocolCore
import ProtocolCoreTesting
import Vocabulary
import WireCoding

/// A session whose owner follows the rules, and a peer that has the keys and ignores the rules.
final class RecordsRun {
    private(set) var session: Session
    private(set) var model: PeerModel
    private let options: Session.Options
    private let pool = BlockPool()
    private let isClient: Bool
    private var now = Instant(nanoseconds: 1_000_000_000_000)
    /// The plaintext of the peer's next record.
    private var text: [UInt8] = []
    /// The received bytes that the session has not consumed.
    private var inbound: [UInt8] = []
    private var sealing: DirectionKeys
    private var sealingSecret: SecretBytes
    private let peer: SessionParameters
    /// The owner's streams, in the order in which they were opened.
    private var streams: [OwnedStream] = []
    private(set) var hasEnded = false

    /// A stream as the owner of the session sees it.
    private struct OwnedStream {
        let handle: StreamHandle
        var toSend = 0
        /// The number of received bytes that the owner has not taken.
        var waiting = 0
        var hasEnded = false
        var isReset = false
    }

    init(_ choices: inout Choices) throws {
        let first = choices.byte()
        isClient = first & 1 == 1
        // This bit selects whether the session outlives its link.
        let features: SessionFeatures = first & 2 == 2 ? .resume : []
        var options = Session.Options(
            parameters: SessionParameters(
                maxRecord: choices.one(of: [1024, 16384, 65536]),
                streamWindow: choices.one(of: [0, 1, 100, 5000, 256 << 10]),
                sessionWindow: choices.one(of: [0, 1, 1000, 65536, 4 << 20]),
                maxStreams: choices.one(of: [0, 1, 3, 100, 16384]),
                features: features
            )
        )
        options.logBytes = choices.one(of: [4 << 20, 4096, 20_000])
        options.maxRecord = choices.one(of: [65536, 1024])
        options.maxStreamWindow = choices.one(of: [16 << 20, 0, 10_000])
        options.keyLimits = KeyLimits(records: choices.one(of: [1 << 24, 3, 40]), bytes: 1 << 36)
        self.options = options
        peer = SessionParameters(
            maxRecord: choices.one(of: [65536, 1024, 1500]),
            streamWindow: choices.one(of: [0, 1, 100, 5000, 256 << 10, .max]),
            sessionWindow: choices.one(of: [0, 1, 1000, 65536, 4 << 20, .max]),
            maxStreams: choices.one(of: [0, 1, 3, 100, 16384, .max]),
            features: features
        )
        let secrets = try SessionSecrets(
            shared: SecretBytes([UInt8](repeating: 7, count: 64)),
            hellos: [1],
            whole: [2]
        )
        guard let identity = try? Identity("alice") else {
            preconditionFailure("a name that is always valid")
        }
        session = try Session(
            role: isClient ? .client : .server,
            agreement: Agreement(
                identity: identity,
                suite: .encrypted,
                secrets: secrets,
                peerParameters: peer
            ),
            options: options,
            pool: pool,
            makeCipher: checksumCiphers,
            at: now
        )
        let (ours, theirs) = isClient ? (secrets.client, secrets.server) : (secrets.server, secrets.client)
        sealingSecret = theirs
        sealing = try Self.keys(theirs)
        model = PeerModel(
            isClient: isClient,
            secret: ours,
            keys: try Self.keys(ours),
            parameters: options.parameters,
            peer: peer
        )
    }

    static func keys(_ secret: SecretBytes) throws(CryptoFailure) -> DirectionKeys {
        try DirectionKeys(secret: secret, suite: .encrypted, limits: .standard, makeCipher: checksumCiphers)
    }
}

// MARK: - Actions of the peer

extension RecordsRun {
    func add(_ bytes: UnsafeRawBufferPointer) { text += bytes }

    func addFrame(_ type: UInt8, flags: UInt8 = 0, stream: UInt32 = 0, _ payload: [UInt8]) {
        text += [type, flags]
        text.append(bigEndian: UInt16(truncatingIfNeeded: payload.count))
        text.append(bigEndian: stream)
        text += payload
    }

    private func addFrame<T: FixedWidthInteger>(_ type: UInt8, stream: UInt32 = 0, value: T) {
        var payload: [UInt8] = []
        payload.append(bigEndian: value)
        addFrame(type, stream: stream, payload)
    }

    func addData(stream: UInt32, count: Int, isEnd: Bool) {
        addFrame(2, flags: isEnd ? 1 : 0, stream: stream, [UInt8](repeating: 0x61, count: count))
    }

    func addOpen(stream: UInt32) { addFrame(1, stream: stream, [1, 0x73]) }

    func addWindow(stream: UInt32, more: UInt64) {
        addFrame(3, stream: stream, value: model.credit(of: stream) &+ more)
    }

    func addAcknowledgement(less: UInt64) { addFrame(13, value: model.recordsHeard &- less) }

    func addKeyUpdate() {
        addFrame(9, [0])
        sealAndDeliver(piece: .max)
    }

    /// Seals the record correctly and delivers it in pieces.
    func sealAndDeliver(piece: Int) {
        guard !text.isEmpty else { return }
        let plaintext = Array(text.prefix(Int(options.parameters.maxRecord)))
        text = []
        let before = (sealing, model, session.receivedRecords)
        var record: [UInt8] = [RecordHeader.traffic, 0]
        record.append(bigEndian: UInt16(truncatingIfNeeded: plaintext.count + RecordHeader.tagCount))
        record[1] = UInt8((plaintext.count + RecordHeader.tagCount) >> 16)
        record += plaintext + [UInt8](repeating: 0, count: RecordHeader.tagCount)
        let isSealed = record.withUnsafeMutableBytes { sealing.seal($0) }
        precondition(isSealed)
        model.heardByPeer(plaintext)
        var rest = record[...]
        while !rest.isEmpty {
            deliver(rest.prefix(piece))
            rest = rest.dropFirst(piece)
        }
        if session.isOpen, session.receivedRecords == before.2 {
            // The bytes before it on the link were not a record, or there is no link: the peer has to send the record again.
            (sealing, model) = (before.0, before.1)
            return
        }
        guard PeerModel.endsWithKeyUpdate(plaintext), session.isOpen else { return }
        guard let next = try? TrafficKeys.successor(of: sealingSecret), let keys = try? Self.keys(next) else {
            preconditionFailure("a key could not be derived")
        }
        sealingSecret = next
        sealing = keys
    }

    /// Delivers bytes that are not a record.
    func deliverRaw(_ bytes: UnsafeRawBufferPointer) { deliver(Array(bytes)[...]) }

    private func deliver(_ bytes: ArraySlice<UInt8>) {
        inbound += bytes
        while !inbound.isEmpty {
            let consumed = inbound.withUnsafeMutableBytes { buffer in
                let consumed = session.receive(buffer, at: now)
                precondition(consumed >= 0 && consumed <= buffer.count)
                takeEvents(from: UnsafeRawBufferPointer(buffer))
                return consumed
            }
            guard consumed > 0 else { break }
            inbound.removeFirst(consumed)
            // Bytes in flight do not arrive when the link is lost.
            if !session.isAttached { inbound = [] }
        }
        precondition(
            inbound.count < Int(options.parameters.maxRecord) + RecordHeader.overhead,
            "it waits for more"
        )
    }
}

// MARK: - Actions of the owner

extension RecordsRun {
    func pass(milliseconds: Int) {
        now = now.advanced(by: .milliseconds(milliseconds))
        var calls = 0
        while let next = session.nextTimeout, next <= now {
            session.handleTimeout(at: now)
            takeEvents(from: nil)
            calls += 1
            precondition(calls < 10, "a timer that is due stays due")
        }
    }

    func openStream() {
        let isAllowed = session.canOpen
        guard let handle = session.open(StreamRequest(service: "echo", source: "10.0.0.1:7"), at: now) else {
            precondition(!isAllowed, "a stream could not be opened")
            return
        }
        precondition(isAllowed)
        streams.append(OwnedStream(handle: handle))
    }

    private func index(_ choice: Int) -> Int? { streams.isEmpty ? nil : choice % streams.count }

    func makeReady(_ choice: Int, count: Int) {
        guard let index = index(choice) else { return }
        streams[index].toSend += count
        session.setReady(streams[index].handle)
    }

    func finish(_ choice: Int) {
        guard let index = index(choice) else { return }
        session.finish(streams[index].handle)
    }

    func reset(_ choice: Int) {
        guard let index = index(choice) else { return }
        session.reset(streams[index].handle, .cancelled, at: now)
        streams[index].isReset = true
    }

    func consume(_ choice: Int, count: Int) {
        guard let index = index(choice) else { return }
        let taken = min(count, streams[index].waiting)
        streams[index].waiting -= taken
        session.consumed(taken, on: streams[index].handle)
    }

    func release(_ choice: Int) {
        guard let index = index(choice) else { return }
        session.release(streams.remove(at: index).handle, at: now)
    }

    func report(_ choice: Int, connected: Bool) {
        guard let index = index(choice) else { return }
        session.reportOpen(streams[index].handle, connected ? nil : .refused(111), at: now)
    }

    func ping(_ count: Int) {
        for _ in 0..<count { session.ping(at: now) }
    }

    func changeMood(_ choice: UInt8) {
        switch choice % 8 {
        case 0: session.mayGrow.toggle()
        case 1: session.ping(at: now)
        case 2: session.goAway(.shutdown, "going")
        case 3:
            session.close(.shutdown, "closing")
            takeEvents(from: nil)
        case 4:
            session.linkEnded(at: now)
            takeEvents(from: nil)
        case 5 where session.isResumable && !hasEnded:
            // The peer reports how many records it received: the true number, or a false one.
            let isHonest = choice & 8 == 0
            resume(received: isHonest ? model.recordsHeard : model.recordsHeard &+ UInt64(choice) &- 64)
        default: addFrame(6, [UInt8](repeating: choice, count: 8))
        }
    }

    private func resume(received: UInt64) {
        model.loseLink()
        inbound = []
        let isTrue = received == model.recordsHeard
        do {
            let resent = try session.resume(received: received, at: now)
            precondition(resent == session.unwrittenCount && resent <= session.keptCount)
            // After too low a number, the session resends records that the peer cannot open; that is the peer's problem.
            if !isTrue { abandonLie() }
        } catch {
            precondition(!isTrue, "what the peer has heard is refused: \(error)")
        }
        takeEvents(from: nil)
    }

    /// Closes the session after a false number that it could not detect; the model does not apply to it any longer.
    private func abandonLie() {
        session.close(.none)
        takeEvents(from: nil)
        session.wrote(session.unwrittenCount)
    }

    /// Fills records and lets the link accept some of their bytes.
    func send(limit: Int, taking most: Int) {
        session.beginSending(at: now)
        var left = limit
        var slots = 0
        while left > 0, let slot = session.nextSlot(atMost: left) {
            precondition(slot.count > 0 && slot.count <= left, "a slot of an impossible size")
            precondition(slot.segments.reduce(0) { $0 + $1.count } == slot.count)
            slots += 1
            precondition(slots < 100_000, "turns without end")
            guard let index = streams.firstIndex(where: { $0.handle == slot.stream }) else {
                preconditionFailure("the turn of a stream that is released")
            }
            let count = min(slot.count, streams[index].toSend)
            var rest = count
            for segment in slot.segments where rest > 0 {
                let part = min(rest, segment.count)
                segment.base?.initializeMemory(as: UInt8.self, repeating: 0x62, count: part)
                rest -= part
            }
            streams[index].toSend -= count
            left -= count
            let isMore = streams[index].toSend > 0
            session.commit(slot, StreamFill(count, isMore ? .more : count % 7 == 3 ? .finished : .drained))
        }
        session.endSending()
        write(most)
    }

    private func write(_ most: Int) {
        var left = most
        withUnsafeTemporaryAllocation(of: MemorySegment.self, capacity: 3) { segments in
            while left > 0 {
                let filled = session.unwritten(into: segments)
                guard filled > 0 else { return }
                for segment in segments[..<filled] where left > 0 {
                    let taken = min(left, segment.count)
                    model.hear(UnsafeRawBufferPointer(start: segment.base, count: taken))
                    session.wrote(taken)
                    left -= taken
                    guard taken == segment.count else { return }
                }
            }
        }
        takeEvents(from: nil)
    }

    private func takeEvents(from buffer: UnsafeRawBufferPointer?) {
        while let event = session.nextEvent() {
            precondition(!hasEnded, "an event after the end")
            switch event {
            case .opened(let handle, let request):
                precondition(!request.service.isEmpty && request.service.utf8.count <= 64)
                precondition(!streams.contains { $0.handle.slot == handle.slot || $0.handle.id == handle.id })
                model.noteOpened(handle.id.rawValue)
                streams.append(OwnedStream(handle: handle))
            case .data(let handle, let bytes):
                guard let buffer, let start = bytes.baseAddress, let base = buffer.baseAddress else {
                    preconditionFailure("bytes from nowhere")
                }
                precondition(!bytes.isEmpty && start >= base && start + bytes.count <= base + buffer.count)
                change(handle) { stream in
                    precondition(!stream.hasEnded && !stream.isReset, "bytes after the end")
                    stream.waiting += bytes.count
                }
            case .finished(let handle):
                change(handle) { stream in
                    precondition(!stream.hasEnded && !stream.isReset, "an end after the end")
                    stream.hasEnded = true
                }
            case .reset(let handle, _):
                change(handle) { stream in
                    precondition(!stream.isReset, "a second reset")
                    stream.isReset = true
                }
            case .openResult(let handle, _): change(handle) { precondition(!$0.isReset) }
            case .closed: hasEnded = true
            case .detached: model.loseLink()
            case .roundTrip, .goAway: break
            }
        }
    }

    /// Updates the stream that an event refers to; the owner must still have it.
    private func change(_ handle: StreamHandle, _ body: (inout OwnedStream) -> Void) {
        guard let index = streams.firstIndex(where: { $0.handle == handle }) else {
            preconditionFailure("an event of a stream that is released")
        }
        body(&streams[index])
    }
}

// MARK: - Invariants

extension RecordsRun {
    func check() {
        precondition(session.isOpen != hasEnded, "it is over and did not say so, or the other way round")
        precondition(session.streamCount == streams.count, "streams were lost")
        let reserve = max(16 << 10, options.logBytes / 16)
        let kept = options.logBytes + reserve + (64 << 10) + 1024
        precondition(session.isOpen == session.isAttached || session.isResumable)
        // At its end a session may add its last records: all waiting frames, and the CLOSE with the reason.
        precondition(
            session.keptCount <= kept + (hasEnded ? 4 << 20 : 0),
            "\(session.keptCount) bytes are kept"
        )
        precondition(session.queuedCount <= (3 << 20) + 32 * 16384, "\(session.queuedCount) bytes wait")
        let held = streams.reduce(0) { $0 + $1.waiting }
        precondition(session.heldCount >= UInt64(held), "the session holds less than its streams")
        let window = max(UInt64(options.parameters.streamWindow), options.maxStreamWindow)
        precondition(
            streams.allSatisfy { UInt64($0.waiting) <= window },
            "a stream holds more than its window"
        )
        precondition(held <= (64 << 20) + (32 << 20) + (4 << 20), "too much is held")
        if hasEnded { precondition(session.nextTimeout == nil, "a timer after the end") }
    }

    /// Releases all streams and checks that the session holds no bytes afterwards.
    func end() {
        while !streams.isEmpty { release(0) }
        // The session may have counted the bytes of a frame that ended it, without handing them out.
        precondition(hasEnded || session.heldCount == 0, "bytes are held by nobody")
        precondition(session.streamCount == 0)
        send(limit: 1 << 20, taking: .max)
        check()
    }
}
