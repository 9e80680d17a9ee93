/// Feeds a state machine every sequence of inputs up to a length.
///
/// The subject is the machine, together with what the test notes about it. Two sequences after which the subject's description is
/// the same have the same future, so only one of them is continued.
struct EverySequence<Subject, Input> {
    /// The broken rules, each with the sequence that broke it.
    private(set) var faults: [String] = []
    /// The number of subjects with different descriptions: a search that reaches few has tested little.
    private(set) var stateCount = 1

    /// More faults than this say nothing more.
    private static var maxFaults: Int { 5 }

    /// Feeds all sequences.
    ///
    /// - Parameters:
    ///   - start: the subject before the first input.
    ///   - inputs: all inputs.
    ///   - length: the maximum number of inputs in a sequence.
    ///   - feed: gives the subject an input, and returns the rule that the answer broke, if it broke one.
    init(
        from start: Subject,
        _ inputs: [Input],
        upTo length: Int,
        feed: (inout Subject, Input) -> String?
    ) {
        var known: Set<String> = ["\(start)"]
        var frontier: [(subject: Subject, path: [Input])] = [(start, [])]
        for _ in 0..<length {
            var next: [(subject: Subject, path: [Input])] = []
            for (subject, path) in frontier {
                for input in inputs where faults.count < Self.maxFaults {
                    var changed = subject
                    if let fault = feed(&changed, input) { faults.append("\(fault): \(path + [input])") }
                    if known.insert("\(changed)").inserted { next.append((changed, path + [input])) }
                }
            }
            frontier = next
        }
        stateCount = known.count
    }
}
