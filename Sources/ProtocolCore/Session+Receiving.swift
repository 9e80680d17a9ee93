package import Basics
import Vocabulary
import WireCoding

extension Session {
    /// Opens the records in bytes that arrived over the link, in place.
    ///
    /// - Parameters:
    ///   - bytes: all bytes that arrived and were not consumed yet. The events refer to this memory.
    ///   - now: the time.
    /// - Returns: the number of consumed bytes; the rest is the beginning of a record, or waits until the owner has taken the
    ///   events. If the session is over or has no link, all bytes count as consumed.
    package mutating func receive(_ bytes: UnsafeMutableRawBufferPointer, at now: Instant) -> Int {
        guard isAttached else { return bytes.count }
        // An acknowledgement releases memory of the log, and a record in progress lies in it.
        precondition(building == nil, "receive(_:at:) between beginSending(at:upTo:) and endSending()")
        lastReceivedAt = now
        guard control.count + piggybacked.count <= maxControlBytes else {
            fail(.limit("what is sent is not read"))
            return bytes.count
        }
        var offset = 0
        // The owner takes the events in portions, so that a record full of tiny frames cannot make the queue grow.
        while events.count < Self.maxEvents {
            let rest = UnsafeMutableRawBufferPointer(rebasing: bytes[offset...])
            do throws(LinkFault) {
                let most = Int(options.parameters.maxRecord)
                guard let count = try RecordHeader.measure(UnsafeRawBufferPointer(rest), maxPlaintext: most),
                    count <= rest.count
                else { return offset }
                try receiveRecord(UnsafeMutableRawBufferPointer(rebasing: rest[..<count]), at: now)
                offset += count
                lastRecordCount = count
            } catch {
                linkFailed(error, at: now)
            }
            guard isAttached else { return bytes.count }
        }
        return offset
    }

    private static var maxEvents: Int { 1024 }

    private var maxControlBytes: Int {
        SessionLimits.maxControlBytes + SessionLimits.controlBytesPerStream
            * Int(options.parameters.maxStreams)
    }

    private mutating func receiveRecord(
        _ record: UnsafeMutableRawBufferPointer,
        at now: Instant
    ) throws(LinkFault) {
        guard !opening.isAbused else {
            fail(.keyLimit)
            return
        }
        guard opening.open(record) else { throw .forgedRecord }
        let text = UnsafeRawBufferPointer(
            rebasing: record[RecordHeader.count..<record.count - RecordHeader.tagCount]
        )
        do throws(ProtocolViolation) {
            let asks = try receiveFrames(text, at: now)
            let timed = acknowledgements.note(bytes: record.count, asks: asks)
            if timed, !acknowledgements.isDue, deadlines.acknowledgement == .distantFuture {
                deadlines.acknowledgement = now.advanced(by: SessionLimits.acknowledgementDelay)
            }
        } catch {
            fail(error)
        }
    }

    /// Parses the frames of a record.
    ///
    /// - Returns: whether the record asks to be acknowledged.
    private mutating func receiveFrames(
        _ text: UnsafeRawBufferPointer,
        at now: Instant
    ) throws(ProtocolViolation) -> Bool {
        var reader = ByteReader(text)
        var asks = false
        while !reader.isAtEnd, phase == .open {
            if text[text.count - reader.remaining] == FrameType.padding.rawValue {
                guard reader.remainder().allSatisfy({ $0 == 0 }) else { throw .malformed("padding") }
                break
            }
            guard let header = FrameHeader(&reader) else { throw .malformed("a frame's header is cut off") }
            guard let payload = reader.bytes(header.length) else {
                throw .malformed("a frame is longer than its record")
            }
            if header.type != FrameType.acknowledgement.rawValue { asks = true }
            if header.type == FrameType.data.rawValue {
                try receiveData(header, payload)
            } else {
                try receiveControl(header, payload, isLast: reader.isAtEnd, at: now)
            }
        }
        return asks
    }

    private mutating func receiveControl(
        _ header: FrameHeader,
        _ payload: UnsafeRawBufferPointer,
        isLast: Bool,
        at now: Instant
    ) throws(ProtocolViolation) {
        guard let type = FrameType(rawValue: header.type) else {
            guard header.type >= FrameType.firstOptional else { throw .malformed("unknown frame") }
            try abuseBudget.note("unknown frame")
            return
        }
        guard header.flags & ~type.flags == 0 else { throw .malformed("unknown flags") }
        var reader = ByteReader(payload)
        switch type {
        case .padding, .data: break
        case .open: try receiveOpen(StreamID(rawValue: header.stream), payload, at: now)
        case .window: try receiveWindow(header, &reader)
        case .reset: try receiveReset(header, &reader, at: now)
        case .openResult: try receiveOpenResult(header, &reader)
        case .maxStreams: try receiveMaxStreams(header, &reader)
        case .ping: try receivePing(header, payload, at: now)
        case .goAway: try receiveGoAway(header, &reader)
        case .close:
            try expectSession(header)
            let reason = try ReasonText(&reader)
            closedByPeer(reason)
        case .keyUpdate: try receiveKeyUpdate(header, &reader, isLast: isLast, at: now)
        case .ticket: try receiveTicket(header, &reader)
        case .message: try receiveMessage(header, &reader)
        case .acknowledgement:
            try expectSession(header)
            try log.acknowledge(try wholeInteger(&reader, UInt64.self))
            openConfirmation.acknowledged(log.acknowledgedRecords, at: now)
            allowance.acknowledged(log.acknowledgedRecords, roundTrip: roundTrip.shortest, at: now)
            if !delayedResets.isEmpty { armDelayedResets() }
            closeIfAcknowledged()
        }
    }
}

// MARK: - Frames of the session

extension Session {
    private func expectSession(_ header: FrameHeader) throws(ProtocolViolation) {
        guard header.stream == 0 else { throw .misplaced("a frame of the session names a stream") }
    }

    /// Parses an integer that has to be the whole payload.
    func wholeInteger<T: FixedWidthInteger>(
        _ reader: inout ByteReader,
        _ type: T.Type
    ) throws(ProtocolViolation) -> T {
        guard reader.remaining == MemoryLayout<T>.size, let bytes = reader.bytes(MemoryLayout<T>.size) else {
            throw .malformed("a frame of the wrong length")
        }
        return bytes.reduce(0) { $0 << 8 | T(truncatingIfNeeded: $1) }
    }

    private mutating func receivePing(
        _ header: FrameHeader,
        _ payload: UnsafeRawBufferPointer,
        at now: Instant
    ) throws(ProtocolViolation) {
        try expectSession(header)
        guard payload.count == 8 else { throw .malformed("PING") }
        if header.flags & FrameFlags.answer != 0 {
            var reader = ByteReader(payload)
            let token = try wholeInteger(&reader, UInt64.self)
            guard let took = roundTrip.end(token: token, at: now) else { return }
            events.add(.roundTrip(took))
        } else {
            try abuseBudget.notePing(at: now)
            guard control.answers < SessionLimits.maxAnswers else { throw .limit("answers are not read") }
            control.answerPing(payload)
        }
    }

    private mutating func receiveMaxStreams(
        _ header: FrameHeader,
        _ reader: inout ByteReader
    ) throws(ProtocolViolation) {
        try expectSession(header)
        let count = try wholeInteger(&reader, UInt32.self)
        guard count > allowedByPeer else {
            try abuseBudget.note("MAX_STREAMS that allows nothing")
            return
        }
        allowedByPeer = count
    }

    private mutating func receiveGoAway(
        _ header: FrameHeader,
        _ reader: inout ByteReader
    ) throws(ProtocolViolation) {
        try expectSession(header)
        guard let last = reader.uint32() else { throw .malformed("GOAWAY") }
        let reason = try ReasonText(&reader)
        // Each GOAWAY makes this end scan all streams.
        if peerGoesAway { try abuseBudget.note("GOAWAY again") }
        peerGoesAway = true
        events.add(.goAway(reason.code, reason.text))
        for handle in streams.handles.sorted(by: { $0.id < $1.id })
        where streams[handle.slot].isOurs && handle.id.rawValue > last && !isCutOff(handle) {
            cutOff(handle)
            events.add(.reset(handle, .notProcessed))
        }
    }

    private mutating func receiveKeyUpdate(
        _ header: FrameHeader,
        _ reader: inout ByteReader,
        isLast: Bool,
        at now: Instant
    ) throws(ProtocolViolation) {
        try expectSession(header)
        guard isLast else { throw .misplaced("KEY_UPDATE is not the last frame of its record") }
        guard let kind = reader.uint8() else { throw .malformed("KEY_UPDATE") }
        guard kind == KeyUpdateKind.ratchet else { throw .unsupported("KEY_UPDATE kind \(kind)") }
        guard reader.isAtEnd else { throw .malformed("KEY_UPDATE") }
        try abuseBudget.noteKeyUpdate(at: now)
        do { try opening.ratchet() } catch {
            throw ProtocolViolation(code: .internalError, reason: "a key could not be changed")
        }
    }

    /// Checks the form of a TICKET: a server may send tickets (PROTOCOL.md, TICKET), but this end does not use them.
    private func receiveTicket(
        _ header: FrameHeader,
        _ reader: inout ByteReader
    ) throws(ProtocolViolation) {
        try expectSession(header)
        guard role == .client else { throw .misplaced("a client issues no tickets") }
        guard reader.uint32() != nil, reader.uint64() != nil, let count = reader.uint16(),
            reader.bytes(Int(count)) != nil, reader.isAtEnd
        else { throw .malformed("TICKET") }
    }

    /// Checks the form of a MESSAGE and returns its credit.
    ///
    /// A peer may send messages (PROTOCOL.md, MESSAGE), but this end does not use them.
    private mutating func receiveMessage(
        _ header: FrameHeader,
        _ reader: inout ByteReader
    ) throws(ProtocolViolation) {
        try expectSession(header)
        let content = reader.remaining - Self.messagePrefixCount
        guard content >= 0 else { throw .malformed("MESSAGE") }
        if content == 0, header.flags & FrameFlags.more != 0 {
            try abuseBudget.note("empty part of a MESSAGE")
        }
        guard receiveWindow.receive(content) else {
            throw .overCredit("messages beyond the session's credit")
        }
        consumeOfSession(content)
    }

    /// `u16 type, u64 id` before a message's content.
    private static let messagePrefixCount = 10
}

// MARK: - Frames of streams

extension Session {
    private mutating func receiveData(
        _ header: FrameHeader,
        _ payload: UnsafeRawBufferPointer
    ) throws(ProtocolViolation) {
        guard header.flags & ~FrameType.data.flags == 0 else { throw .malformed("DATA: flags") }
        let isEnd = header.flags & FrameFlags.finish != 0
        let id = StreamID(rawValue: header.stream)
        guard receiveWindow.receive(payload.count) else {
            throw .overCredit("more than the session's credit")
        }
        guard let slot = try find(id) else {
            // This end released the stream while the frame was under way.
            consumeOfSession(payload.count)
            return
        }
        switch streams[slot].receiving {
        case .open: break
        case .finished: throw .streamState("bytes after the end of stream \(id.rawValue)")
        case .reset:
            consumeOfSession(payload.count)
            return
        }
        guard streams[slot].receiveWindow.receive(payload.count) else {
            throw .overCredit("more than the credit of stream \(id.rawValue)")
        }
        if payload.isEmpty, !isEnd { try abuseBudget.note("empty DATA") }
        let handle = StreamHandle(id: id, slot: slot)
        if !payload.isEmpty { events.add(.data(handle, payload)) }
        if isEnd {
            streams[slot].receiving = .finished
            events.add(.finished(handle))
        }
        // Bytes that stalled streams hold can also raise the session's credit, not only bytes that the owner takes.
        if receiveWindow.isGrantDue(lead: sessionLead) { isSessionGrantDue = true }
    }

    private mutating func receiveOpen(
        _ id: StreamID,
        _ payload: UnsafeRawBufferPointer,
        at now: Instant
    ) throws(ProtocolViolation) {
        guard id.isClients == (role == .server), id.rawValue != 0 else {
            throw .misplaced("OPEN: stream \(id.rawValue) is not the peer's to open")
        }
        guard id.rawValue > lastPeerStream else { throw .misplaced("OPEN: stream \(id.rawValue) again") }
        let request = try StreamRequest(payload)
        guard openedByPeer < allowedToPeer else { throw .limit("more streams than allowed") }
        lastPeerStream = id.rawValue
        openedByPeer += 1
        guard wentAwayAt == nil else {
            // It was under way when this end sent GOAWAY: the peer can safely try it elsewhere.
            endedOfPeer += 1
            control.reset(id, .notProcessed)
            return
        }
        let handle = streams.insert(
            SessionStream(
                id: id,
                isOurs: false,
                openedAt: now,
                sendWindow: SendWindow(limit: UInt64(peer.streamWindow)),
                receiveWindow: ReceiveWindow(size: UInt64(options.parameters.streamWindow))
            )
        )
        events.add(.opened(handle, request))
    }

    private mutating func receiveWindow(
        _ header: FrameHeader,
        _ reader: inout ByteReader
    ) throws(ProtocolViolation) {
        let limit = try wholeInteger(&reader, UInt64.self)
        guard header.stream != 0 else {
            if !sendWindow.raise(to: limit) { try abuseBudget.note("WINDOW that gives nothing") }
            return
        }
        guard let slot = try find(StreamID(rawValue: header.stream)) else { return }
        guard streams[slot].sendWindow.raise(to: limit) else {
            try abuseBudget.note("WINDOW that gives nothing")
            return
        }
        if streams[slot].canSend { scheduler.rejoin(slot, in: &streams) }
    }

    private mutating func receiveReset(
        _ header: FrameHeader,
        _ reader: inout ByteReader,
        at now: Instant
    ) throws(ProtocolViolation) {
        let failure = StreamFailure(code: try wholeInteger(&reader, UInt16.self))
        let id = StreamID(rawValue: header.stream)
        guard let slot = try find(id) else { return }
        if !streams[slot].isOurs, now < streams[slot].openedAt.advanced(by: SessionLimits.earlyResetAge) {
            try abuseBudget.noteEarlyReset(at: now)
        }
        let handle = StreamHandle(id: id, slot: slot)
        guard !isCutOff(handle) else { return }
        cutOff(handle)
        events.add(.reset(handle, failure))
    }

    private mutating func receiveOpenResult(
        _ header: FrameHeader,
        _ reader: inout ByteReader
    ) throws(ProtocolViolation) {
        guard let code = reader.uint16(), let detail = reader.uint32(), reader.isAtEnd else {
            // The first version of the frame had no detail.
            throw .malformed("OPEN_RESULT")
        }
        let id = StreamID(rawValue: header.stream)
        guard id.rawValue == 0 || isOurs(id) else {
            throw .misplaced("OPEN_RESULT for the peer's own stream")
        }
        guard let slot = try find(id) else { return }
        guard !streams[slot].hasResult else {
            try abuseBudget.note("OPEN_RESULT again")
            return
        }
        streams[slot].hasResult = true
        // The owner gets no more events of a stream that was reset.
        guard streams[slot].receiving != .reset else { return }
        let failure = code == StreamFailure.connected ? nil : StreamFailure(code: code, detail: detail)
        events.add(.openResult(StreamHandle(id: id, slot: slot), failure))
    }

    /// The slot of a stream, or `nil` if the stream existed and was released.
    private mutating func find(_ id: StreamID) throws(ProtocolViolation) -> Int? {
        if let slot = streams.slot(of: id) { return slot }
        let wasThere = isOurs(id) ? id.rawValue < nextStream : id.rawValue <= lastPeerStream
        guard wasThere, id.rawValue != 0 else { throw .streamState("stream \(id.rawValue) was never opened") }
        return nil
    }

    /// Whether this end opens the streams with this kind of number.
    private func isOurs(_ id: StreamID) -> Bool { id.isClients == (role == .client) }
}
