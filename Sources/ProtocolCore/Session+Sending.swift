package import Basics
package import Vocabulary
import WireCoding

/// A stream's turn to send: memory in records that are not sealed yet, into which the owner reads the stream's bytes.
package struct SendSlot {
    /// The stream whose turn it is.
    package let stream: StreamHandle
    /// The memory for the bytes, in the order of the bytes.
    ///
    /// It is valid until the slot is committed.
    package let segments: UnsafeMutableBufferPointer<MemorySegment>
    /// The number of bytes that fit.
    package let count: Int
}

// MARK: - What the owner calls

extension Session {
    /// Whether there are frames other than the streams' bytes that this end can send now.
    package var hasControl: Bool {
        mutating get {
            guard isAttached else { return false }
            guard canSendControl else { return mayAcknowledgeAlone }
            return !control.isEmpty || !grantsDue.isEmpty || isSessionGrantDue || acknowledgements.isDue
        }
    }

    /// Whether a stream may have something to send, and credit for it.
    package var hasTurns: Bool { mutating get { isAttached && scheduler.count > 0 && canSendData } }

    /// Begins to send: frames other than the streams' bytes go first.
    ///
    /// - Parameters:
    ///   - now: the time.
    ///   - count: the maximum number of stream bytes that the owner will ask for. A stream may send half of them in one turn, if
    ///     that is more than its quantum.
    package mutating func beginSending(at now: Instant, upTo count: Int = 0) {
        guard isAttached else { return }
        scheduler.prepare(for: count)
        if now >= lastDataAt.advanced(by: SessionLimits.quietTime) { burstBytes = 0 }
        sendingAt = now
        guard canSendControl else {
            if mayAcknowledgeAlone { writeAcknowledgement() }
            return
        }
        writeControl(upTo: controlBound)
    }

    /// The next stream's turn, or `nil` if no stream may send now.
    ///
    /// The slot has room for at least one byte and at most `limit` bytes.
    package mutating func nextSlot(atMost limit: Int) -> SendSlot? {
        guard isAttached, limit > 0, canSendData else { return nil }
        // The OPEN of a stream that was opened since sending began must precede the stream's bytes.
        if !control.isEmpty { writeControl(upTo: controlBound) }
        guard phase == .open, canSendData, control.isEmpty,
            let (slot, allowance) = scheduler.next(in: &streams)
        else { return nil }
        let most = min(
            min(limit, max(roomForData, Self.minPart)),
            min(streams[slot].sendWindow.available, sendWindow.available)
        )
        let amount = min(most, allowance)
        openRecord(room: FrameHeader.count + min(amount, Self.minPart))
        guard var record = building else { return nil }

        var filled = 0
        var total = 0
        // Until a stream has shown that it has more than fits into one record, the simplest read call into one segment is enough.
        let maxParts = sendsBulk ? segments.count : 1
        while filled < min(maxParts, sealing.recordsLeft) {
            let room = record.room - FrameHeader.count
            // A turn that nearly reaches the end of a record extends to it, and the stream's next turn is shorter. Otherwise the
            // next stream would begin in the middle, and need one more read and one more record for its own turn.
            let isNearlyAll = allowance - total >= room / 2
            let count = min(room, (isNearlyAll ? most : amount) - total)
            guard count > 0 else { break }
            segments[filled] = MemorySegment(base: record.next + FrameHeader.count, count: count)
            filled += 1
            total += count
            guard count == room, most - total >= Self.minPart, let following = recordBehind(record),
                allowance - total >= following.capacity / 2
            else { break }
            record = following
        }
        return SendSlot(
            stream: StreamHandle(id: streams[slot].id, slot: slot),
            segments: UnsafeMutableBufferPointer(rebasing: segments[..<filled]),
            count: total
        )
    }

    /// Takes the bytes that were put into a slot.
    ///
    /// - Parameters:
    ///   - slot: the last slot that ``nextSlot(atMost:)`` returned.
    ///   - fill: the number of bytes in the slot, and whether more bytes or the end follow.
    package mutating func commit(_ slot: SendSlot, _ fill: StreamFill) {
        guard phase == .open, streams.contains(slot.stream), streams[slot.stream.slot].sending == .open else {
            return
        }
        let index = slot.stream.slot
        let count = fill.count
        let isEnd = fill.rest == .finished
        var rest = count
        for segment in slot.segments where rest > 0 {
            let part = min(rest, segment.count)
            rest -= part
            putDataFrame(slot.stream.id, count: part, isEnd: isEnd && rest == 0)
            if rest > 0 { sealAndFollow() }
        }
        if count == 0, isEnd { putDataFrame(slot.stream.id, count: 0, isEnd: true) }
        if count > 0 {
            streams[index].sendWindow.consume(count)
            sendWindow.consume(count)
            scheduler.charge(index, count, in: &streams)
            lastDataAt = sendingAt
            burstBytes = min(burstBytes + count, SessionLimits.smallRecordBytes)
            sendsBulk = count == slot.count && count >= min(options.chunk, recordLimit - Self.minPart)
        }
        switch fill.rest {
        case .more: break
        case .drained: streams[index].isReady = false
        case .finished:
            streams[index].isReady = false
            streams[index].sending = .finished
        }
    }

    /// Seals the record in progress.
    ///
    /// After this call, ``unwritten(into:)`` returns everything.
    package mutating func endSending() {
        sealRecord()
        if scheduler.count > 0, roomForData <= 0 {
            allowance.isFull(records: log.sealedRecords, at: sendingAt)
        }
        guard control.isEmpty, openedByUs > 0 else { return }
        openConfirmation.sealed(upTo: nextStream - 2, records: log.sealedRecords, at: sendingAt)
        openConfirmation.acknowledged(log.acknowledgedRecords, at: sendingAt)
    }

    /// The bytes that wait for the link, in as many runs as fit.
    ///
    /// - Returns: the number of `segments` that were filled.
    package mutating func unwritten(into segments: UnsafeMutableBufferPointer<MemorySegment>) -> Int {
        lost == nil ? log.unwritten(into: segments) : 0
    }

    /// Reports that the link took `count` of the bytes that ``unwritten(into:)`` returned.
    package mutating func wrote(_ count: Int) {
        log.wrote(count)
    }

    private var canSendData: Bool { sendWindow.available > 0 && roomForData > 0 }

    /// The number of stream bytes that still fit into the log and the record in progress.
    private var roomForData: Int { allowance.size - log.keptCount - (building?.used ?? 0) }

    /// The limit on kept bytes for control frames: beyond it, the peer has not acknowledged for long, and the frames can wait.
    private var controlBound: Int { logBytes + logReserve / 2 }

    private var canSendControl: Bool { log.keptCount < controlBound }

    /// Whether an acknowledgement may be sent although nothing else may.
    ///
    /// The link has to take it at once: behind other bytes it would not help.
    private var mayAcknowledgeAlone: Bool {
        acknowledgements.isDue && log.unwrittenCount == 0
            && log.keptCount < logBytes + logReserve
    }

    private var logReserve: Int { max(SessionLimits.minLogReserve, logBytes / 16) }

    /// The minimum size of a stream's part of a record; the end of a record or of a turn does not make it shorter.
    private static let minPart = 512
}

// MARK: - Control frames

extension Session {
    /// Writes all frames other than the streams' bytes, as long as at most `bound` bytes are kept.
    mutating func writeControl(upTo bound: Int) {
        if isSessionGrantDue { writeSessionGrant() }
        if !grantsDue.isEmpty { writeGrants(upTo: bound) }
        writeQueued(upTo: bound)
        if acknowledgements.isDue { writeAcknowledgement() }
    }

    /// Opens a record for the acknowledgement and the piggybacked frames, if no other frame has opened one.
    ///
    /// Every record begins with the acknowledgement that is due.
    private mutating func writeAcknowledgement() {
        openRecord(room: FrameHeader.count)
        acknowledgements.isDue = false
    }

    /// Writes the queued control frames.
    mutating func writeQueued(upTo bound: Int) {
        while !control.isEmpty, log.keptCount < bound {
            let count = control.nextCount
            guard openRecord(room: count), let record = building else { return }
            if control.takeNext(to: record.next) { building?.isOfStreams = true }
            building?.used += count
        }
    }

    private mutating func writeSessionGrant() {
        isSessionGrantDue = false
        let before = receiveWindow.limit
        let limit = receiveWindow.grant(
            growingTo: mayGrow ? SessionLimits.maxSessionWindow : 0,
            lead: sessionLead
        )
        // A grant that was due is not due any more if windows may no longer grow; then there is no WINDOW to send.
        if limit > before { putFrame(.window, stream: 0, value: limit) }
    }

    private mutating func writeGrants(upTo bound: Int) {
        var written = 0
        while written < grantsDue.count, log.keptCount < bound {
            let slot = grantsDue[written]
            written += 1
            streams[slot].isGrantListed = false
            guard streams[slot].receiving == .open else { continue }
            let largest = mayGrow ? options.maxStreamWindow : 0
            let limit = streams[slot].receiveWindow.grant(growingTo: largest)
            // One stream must not be able to use up the credit that all streams share.
            receiveWindow.widen(
                to: min(streams[slot].receiveWindow.size / 2 * 3, SessionLimits.maxSessionWindow)
            )
            putFrame(.window, stream: streams[slot].id.rawValue, value: limit)
        }
        if written == grantsDue.count, written > 1024 {
            grantsDue = []
        } else {
            grantsDue.removeFirst(written)
        }
    }

    /// Adds piggybacked frames to the record, as far as they fit.
    private mutating func putPiggybacked(leaving room: Int) {
        while !piggybacked.isEmpty, let record = building, record.room >= piggybacked.nextCount + room {
            let count = piggybacked.nextCount
            piggybacked.takeNext(to: record.next)
            building?.used += count
        }
    }

    private mutating func putFrame(_ type: FrameType, stream: UInt32, value: UInt64) {
        let count = FrameHeader.count + MemoryLayout<UInt64>.size
        guard openRecord(room: count), let record = building else { return }
        FrameHeader(type, length: MemoryLayout<UInt64>.size, stream: stream).write(at: record.next)
        (record.next + FrameHeader.count).storeBytes(of: value.bigEndian, as: UInt64.self)
        building?.used += count
    }

    private mutating func putDataFrame(_ id: StreamID, count: Int, isEnd: Bool) {
        // A slot includes the room for this header. An end without bytes has no slot, and may need the next record.
        if count == 0, !openRecord(room: FrameHeader.count) { return }
        guard let record = building else { return }
        FrameHeader(.data, flags: isEnd ? FrameFlags.finish : 0, length: count, stream: id.rawValue)
            .write(at: record.next)
        building?.used += FrameHeader.count + count
        building?.isOfStreams = true
    }
}

// MARK: - Records

extension Session {
    /// The maximum plaintext of the next record, in bytes.
    private var recordLimit: Int {
        let longest = min(Int(peer.maxRecord), options.maxRecord, SessionLimits.maxPlaintext)
        return burstBytes < SessionLimits.smallRecordBytes ? min(options.chunk, longest) : longest
    }

    /// Makes sure that a record with this much room is open.
    ///
    /// - Returns: `false` if the session has just failed.
    @discardableResult
    mutating func openRecord(room: Int) -> Bool {
        if let building, building.room >= room { return true }
        sealRecord()
        if sealing.isWornOut { changeKey() }
        guard phase == .open else { return false }
        let limit = recordLimit
        // A session without bulk does not take a large block, because it would keep the block.
        let wanted = sendsBulk && scheduler.count > 0 ? limit : min(limit, options.chunk)
        let space = log.space(
            atLeast: RecordHeader.overhead + Self.minCapacity,
            wanted: RecordHeader.overhead + wanted
        )
        building = record(in: space, limit: limit)
        if acknowledgements.isPending, building != nil {
            putFrame(.acknowledgement, stream: 0, value: acknowledgements.tell())
            building?.acknowledgement = FrameHeader.count + MemoryLayout<UInt64>.size
            deadlines.acknowledgement = .distantFuture
        }
        putPiggybacked(leaving: room)
        return building != nil
    }

    mutating func sealRecord() {
        guard let record = building else { return }
        building = nil
        guard record.used > 0 else {
            log.dropUnusedSpace()
            return
        }
        RecordHeader.write(plaintextCount: record.used, at: record.base)
        let whole = UnsafeMutableRawBufferPointer(
            start: record.base,
            count: record.used + RecordHeader.overhead
        )
        guard sealing.seal(whole) else {
            giveUp("a record could not be sealed")
            return
        }
        log.append(whole.count)
        if record.used > record.acknowledgement { lastAskingRecord = log.sealedRecords }
        if record.isOfStreams { lastStreamRecord = log.sealedRecords }
    }

    /// Seals the record that a slot's part has filled, and opens the record right behind it, which holds the next part.
    private mutating func sealAndFollow() {
        guard let record = building else { return }
        let following = recordBehind(record)
        sealRecord()
        if phase == .open { building = following }
    }

    /// The record right behind this one, once this one is full; `nil` if the space there is too short for a useful record.
    private func recordBehind(_ record: RecordInProgress) -> RecordInProgress? {
        let base = record.base + RecordHeader.overhead + record.capacity
        return self.record(
            in: UnsafeMutableRawBufferPointer(start: base, count: record.end - base),
            limit: recordLimit
        )
    }

    private func record(in space: UnsafeMutableRawBufferPointer, limit: Int) -> RecordInProgress? {
        guard let base = space.baseAddress else { return nil }
        let capacity = min(limit, space.count - RecordHeader.overhead)
        guard capacity >= Self.minCapacity else { return nil }
        return RecordInProgress(base: base, capacity: capacity, end: base + space.count)
    }

    /// Announces a new key in the last record under the old one, and changes to it.
    private mutating func changeKey() {
        let space = log.space(atLeast: RecordHeader.overhead + Self.minCapacity, wanted: 0)
        building = record(in: space, limit: Self.minCapacity)
        guard let update = building else { return }
        FrameHeader(.keyUpdate, length: 1).write(at: update.next)
        (update.next + FrameHeader.count).storeBytes(of: KeyUpdateKind.ratchet, as: UInt8.self)
        building?.used += FrameHeader.count + 1
        sealRecord()
        do { try sealing.ratchet() } catch { giveUp("a key could not be changed") }
    }

    /// The plaintext that a record of every peer can hold, in bytes.
    ///
    /// Every control frame fits into it.
    private static let minCapacity = 1024
}
