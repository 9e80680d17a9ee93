/// Two sessions in memory: frames, streams, credit, the outbound log and its acknowledgements, with and
/// without a cipher.
///
/// What is on the link is opened where it was sealed.
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
