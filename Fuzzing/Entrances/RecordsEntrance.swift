import ProtocolCore

/// Reads an input as the actions of a peer that has the keys but ignores the rules, and as the actions of the session's
/// owner and of the link.
///
/// Records are sealed correctly, so that the session reads their content. ``PeerModel`` knows what the session may send
/// to such a peer, and stops the program if it sends anything else.
func fuzzRecords(_ bytes: UnsafeRawBufferPointer) {
    var choices = Choices(bytes)
    guard let run = try? RecordsRun(&choices) else { preconditionFailure("keys that are always valid") }
    // Limit the rounds: each one costs time, however few bytes of the input it uses.
    var rounds = 0
    while !choices.isEmpty, rounds < 2000 {
        run.act(&choices)
        run.check()
        rounds += 1
    }
    run.end()
}

extension RecordsRun {
    /// Performs the action that the next bytes select.
    func act(_ choices: inout Choices) {
        switch choices.byte() % 24 {
        case 0: pass(milliseconds: choices.uint16())
        case 1: add(choices.bytes(Int(choices.byte())))
        case 2: deliverRaw(choices.bytes(Int(choices.byte())))
        case 3, 4: addFrame(&choices)
        case 5, 6: sealAndDeliver(piece: choices.yes() ? Int(choices.byte()) + 1 : .max)
        case 7: addData(stream: UInt32(choices.byte()), count: choices.uint16(), isEnd: choices.yes())
        case 8: addOpen(stream: UInt32(choices.byte()))
        case 9:
            addWindow(stream: UInt32(choices.byte()), more: UInt64(choices.uint16()) << choices.byte() % 48)
        case 10: addAcknowledgement(less: UInt64(choices.byte()))
        case 11: addKeyUpdate()
        case 12: openStream()
        case 13: makeReady(Int(choices.byte()), count: choices.uint16())
        case 14: finish(Int(choices.byte()))
        case 15: reset(Int(choices.byte()))
        case 16: consume(Int(choices.byte()), count: choices.uint16())
        case 17: release(Int(choices.byte()))
        case 18, 19: send(limit: choices.uint16() + 1, taking: choices.yes() ? choices.uint16() : .max)
        case 20: report(Int(choices.byte()), connected: choices.yes())
        case 21: ping(Int(choices.uint16() % 64))
        case 22: changeMood(choices.byte())
        default: addMany(&choices)
        }
    }

    /// Adds a frame with a valid header and arbitrary content.
    private func addFrame(_ choices: inout Choices) {
        let (type, flags) = (choices.byte(), choices.byte())
        let stream = UInt32(choices.byte())
        addFrame(type, flags: flags, stream: stream, Array(choices.bytes(Int(choices.byte() % 64))))
    }

    /// Adds the same small frame many times, as a flood does.
    private func addMany(_ choices: inout Choices) {
        let count = Int(choices.byte())
        let (type, stream, step) = (choices.byte(), UInt32(choices.byte()), UInt32(choices.byte() % 3))
        let payload = Array(choices.bytes(Int(choices.byte() % 16)))
        for index in 0..<UInt32(count) { addFrame(type, flags: 0, stream: stream + index * step, payload) }
    }
}
