import ProtocolCore
import Vocabulary

extension SimulatedLink {
    /// Compares the two ends' knowledge of their streams and returns the contradictions.
    ///
    /// - Parameters:
    ///   - isWhole: whether everything that was sent had time to arrive; if not, the link was lost or closed before that.
    ///   - someoneWentAway: whether an end sent GOAWAY, and may therefore have refused streams.
    /// - Returns: each contradiction as a sentence.
    package func disagreements(isWhole: Bool, someoneWentAway: Bool) -> [String] {
        var faults: [String] = []
        for id in Set(client.allIDs).union(server.allIDs).sorted() {
            switch (client.anyStream(id), server.anyStream(id)) {
            case (let ours?, let theirs?):
                for (sender, receiver) in [(ours, theirs), (theirs, ours)] {
                    faults += receiver.faults(against: sender, isWhole, someoneWentAway).map {
                        "stream \(id): \($0)"
                    }
                }
            case (let alone?, nil), (nil, let alone?):
                // Its OPEN was lost, or an end that had sent GOAWAY refused it.
                if alone.received > 0 || alone.hasEnded { faults.append("stream \(id): bytes from nobody") }
                if isWhole, !someoneWentAway { faults.append("stream \(id): never seen by the other end") }
            case (nil, nil): break
            }
        }
        return faults
    }
}

extension SimulatedStream {
    fileprivate func faults(
        against sender: SimulatedStream,
        _ isWhole: Bool,
        _ someoneWentAway: Bool
    ) -> [String] {
        var faults: [String] = []
        if received > sender.sent { faults.append("more came than was sent") }
        if hasEnded, !sender.hasSentEnd { faults.append("an end that nobody sent") }
        if hasEnded, received != sender.sent { faults.append("an end before the last byte") }
        if let code = resetCode, code != sender.sentReset, !(someoneWentAway && code == .notProcessed) {
            faults.append("reset as \(code.codeName), which nobody sent")
        }
        guard isWhole else { return faults }
        let isCutOff = [self, sender].contains { $0.sentReset != nil || $0.resetCode != nil }
        if !isCutOff, sender.hasSentEnd, !hasEnded { faults.append("its end was lost") }
        // An end that expects nothing more, or has reset the stream itself, need not receive a RESET.
        let expectsReset = sentReset == nil && !(hasSentEnd && hasEnded)
        if let code = sender.sentReset, expectsReset, resetCode != code { faults.append("a RESET was lost") }
        return faults
    }
}
