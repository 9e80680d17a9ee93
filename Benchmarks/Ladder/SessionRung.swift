/// Two sessions in memory, with or without a cipher.
///
/// They use frames, streams, credit, and the outbound log with its acknowledgements. The receiver opens records in the sender's
/// buffer, without a copy.
struct SessionRung: Rung {
    let name: String
    let standsOn: Int?
    private let pair: SessionPair

    init(encrypts: Bool) throws {
        name = encrypts ? "two sessions in memory" : "two sessions in memory, no cipher"
        standsOn = encrypts ? 2 : nil
        pair = try SessionPair(encrypts: encrypts)
    }

    func move(_ count: Int) throws {
        try pair.move(count)
    }
}
