import ProtocolCore

/// Reads an input as what a peer does that has the keys and knows no rules, and what the owner of the session and the
/// link do meanwhile.
///
/// Records are sealed as they should be, so that what is in them is looked at. ``PeerModel`` knows what the session
/// may say to such a peer, and stops the program when it says anything else.
func fuzzRecords(_ bytes: UnsafeRawBufferPointer) {
    var choices = Choices(bytes)
    guard let run = try? RecordsRun(&choices) else { preconditionFailure("keys that are always valid") }
    // Each round costs some work, whatever little of the input it takes.
    var rounds = 0
    while !choices.isEmpty, rounds < 2000 {
        run.act(&choices)
        run.check()
        rounds += 1
    }
    run.end()
}

extension RecordsRun {
    /// Does what the next bytes say.
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

    /// A frame whose header is right, with whatever is in it.
    private func addFrame(_ choices: inout Choices) {
        let (type, flags) = (choices.byte(), choices.byte())
        let stream = UInt32(choices.byte())
        addFrame(type, flags: flags, stream: stream, Array(choices.bytes(Int(choices.byte() % 64))))
    }

    /// The same small frame again and again, as a flood would have it.
    private func addMany(_ choices: inout Choices) {
        let count = Int(choices.byte())
        let (type, stream, step) = (choices.byte(), UInt32(choices.byte()), UInt32(choices.byte() % 3))
        let payload = Array(choices.bytes(Int(choices.byte() % 16)))
        for index in 0..<UInt32(count) { addFrame(type, flags: 0, stream: stream + index * step, payload) }
    }
}
