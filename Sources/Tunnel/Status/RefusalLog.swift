import EventIO
import SecureLink

/// Logs what one worker refuses, at most one line every ten seconds for each reason.
///
/// Confined to its loop's thread.
final class RefusalLog {
    private let log: TunnelLog
    private unowned let loop: EventLoop
    private var counter = RefusalCounter()

    init(_ log: TunnelLog, loop: EventLoop) {
        self.log = log
        self.loop = loop
    }

    /// A limit of the process was reached.
    func limitReached(_ which: String) {
        refused("limit", which)
    }

    /// A request was refused.
    ///
    /// - Parameters:
    ///   - what: the request, with text that the peer may have chosen.
    ///   - reason: why it was refused.
    ///   - key: the request without text of the peer's choice, if there is such text: if that text counted, each new name
    ///     would cause a new line.
    func refused(_ what: String, _ reason: String, countedAs key: String? = nil) {
        if let count = counter.note("\(key ?? what) \(reason)", at: loop.now) {
            log.refused(what, reason, count: count)
        }
    }

    /// An unauthenticated client's link was refused.
    func linkRefused(_ link: RefusedLink) {
        if let count = counter.note("link \(link.reason) \(link.user ?? "")", at: loop.now) {
            log.linkRefused(link, count: count)
        }
    }
}
