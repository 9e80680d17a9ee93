import ProtocolCoreTesting

/// A state machine under test, together with the rules that its answers have to keep.
///
/// A new one is made for each order of inputs, because some machines cannot be copied.
protocol OrderSubject {
    associatedtype Input: CaseIterable

    /// Whether the caller may give this input now: `false` where the machine documents a precondition that forbids it.
    func allows(_ input: Input) -> Bool
    /// Gives an input.
    ///
    /// - Returns: the rule that the answer broke, if it broke one.
    mutating func feed(_ input: Input) -> String?
    /// The end that the machine has come to; from then on it answers nothing.
    var end: String? { get }
}

/// Feeds a machine every order of inputs up to a length, also those that make no sense.
struct EveryOrder<Subject: OrderSubject> {
    private let make: () -> Subject
    private let inputs = Array(Subject.Input.allCases)
    /// The broken rules, each behind the order of inputs that broke it.
    private(set) var faults: [String] = []
    /// The ends that machines came to: a search that reaches none has tested nothing.
    private(set) var ends: Set<String> = []
    /// The inputs of the present machine.
    private var order: [Subject.Input] = []

    /// More faults than this say nothing more.
    private static var maxFaults: Int { 5 }

    init(_ make: @escaping () -> Subject) {
        self.make = make
    }

    /// Feeds every order of 1 to `length` inputs, each to a new machine that has had `beginning`.
    mutating func search(_ length: Int, after beginning: [Subject.Input] = []) {
        order = beginning
        search(length)
    }

    /// Feeds `length` inputs by chance to one machine, or to a new one some time after it has ended.
    mutating func wander(_ length: Int, seed: UInt64) {
        var random = SplitMix(seed: seed)
        var subject = make()
        order = []
        for _ in 0..<length where faults.count < Self.maxFaults {
            if subject.end != nil, random.chance(30) {
                subject = make()
                order = []
            }
            guard let input = inputs.randomElement(using: &random), subject.allows(input) else { continue }
            order.append(input)
            feed(input, to: &subject)
        }
    }

    private mutating func search(_ length: Int) {
        for input in inputs where faults.count < Self.maxFaults {
            var subject = make()
            for earlier in order { _ = subject.feed(earlier) }
            step(input, of: &subject, length)
        }
    }

    private mutating func step(_ input: Subject.Input, of subject: inout Subject, _ length: Int) {
        guard subject.allows(input) else { return }
        order.append(input)
        defer { order.removeLast() }
        guard feed(input, to: &subject), length > 1 else { return }
        if subject.end == nil {
            search(length - 1)
        } else {
            // Whatever comes now has to change nothing, so one machine serves for all that may come.
            for next in inputs where faults.count < Self.maxFaults { step(next, of: &subject, length - 1) }
        }
    }

    @discardableResult
    private mutating func feed(_ input: Subject.Input, to subject: inout Subject) -> Bool {
        let hadEnded = subject.end != nil
        if let rule = subject.feed(input) {
            faults.append("\(rule): \(order.map { "\($0)" }.joined(separator: ", "))")
            return false
        }
        if !hadEnded, let end = subject.end { ends.insert(end) }
        return true
    }
}
