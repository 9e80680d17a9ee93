import Basics

/// Which of our streams the peer has surely known for a second.
///
/// The peer puts up with only so many RESETs of young streams, and for it a stream is young for a second after OPEN
/// came. How long OPEN was under way nobody knows: a link may stand still and then deliver OPEN and RESET together.
/// But what the peer has acknowledged has come, so a stream is old enough a second after that, and no sooner.
struct OpenConfirmation {
    /// Streams up to this one are old enough.
    private(set) var settled: UInt32 = 0
    /// Up to which stream OPEN is in the records that an acknowledgement is awaited of.
    private var mark: (stream: UInt32, records: UInt64)?
    /// Up to which stream has been marked, and when that may be done again.
    private var marked: UInt32 = 0
    private var nextMark = Instant(nanoseconds: 0)
    /// Up to which stream the peer acknowledged when, oldest first.
    private var confirmed: [(stream: UInt32, at: Instant)] = []

    /// The OPEN of every stream up to this one is in a record, of which there are so many now.
    mutating func sealed(upTo stream: UInt32, records: UInt64, at now: Instant) {
        guard mark == nil, stream > marked, now >= nextMark else { return }
        mark = (stream, records)
        marked = stream
        nextMark = now.advanced(by: Self.spacing)
    }

    /// The peer has so many records.
    mutating func acknowledged(_ records: UInt64, at now: Instant) {
        guard let mark, records >= mark.records else { return }
        confirmed.append((mark.stream, now))
        self.mark = nil
    }

    /// Time has passed.
    mutating func settle(at now: Instant) {
        let count = confirmed.prefix { now >= $0.at.advanced(by: SessionLimits.earlyResetAge) }.count
        guard count > 0 else { return }
        settled = confirmed[count - 1].stream
        confirmed.removeFirst(count)
    }

    /// When more streams will be old enough or can be marked; `nil` when that takes more than time.
    func nextChange(upTo stream: UInt32) -> Instant? {
        if let first = confirmed.first { return first.at.advanced(by: SessionLimits.earlyResetAge) }
        return mark == nil && marked < stream ? nextMark : nil
    }

    /// Not more often than this, so that there are never more than some twenty of them in a second.
    private static let spacing = Duration.milliseconds(50)
}
