import Basics
import EventIO
import Logging
import SecureLink
import Vocabulary

/// The fields of a stream's log line, except its numbers.
struct StreamFacts {
    /// The identifier of the stream, the same at both ends.
    var id: String
    /// The route that the visitor connected to; known only at the visitor's end.
    var route: String?
    /// The service that the visitor's end requested.
    var service: String
    /// The peer's name, at the end that dialled.
    var peer: String?
    /// The user that the client logged in as.
    var user: String
    /// The origin of the visitor.
    var source: String
    /// The address of the target; known only at the target's end.
    var target: String?
}

/// The log lines of the tunnel: each one is written in one place, so that their wording is consistent.
///
/// A value; the handler behind it takes lines from any thread.
struct TunnelLog: Sendable {
    let logger: Logger

    /// Logs the end of a stream: one line at each end.
    func streamClosed(_ relay: Relay, _ outcome: RelayOutcome, at now: Instant) {
        streamClosed(
            relay.facts,
            outcome,
            up: relay.upBytes,
            down: relay.downBytes,
            took: now.duration(since: relay.startedAt)
        )
    }

    /// Logs a stream that was rejected before any byte was moved.
    func streamRefused(_ facts: StreamFacts, _ failure: StreamFailure, by end: Party) {
        streamClosed(
            facts,
            RelayOutcome(ending: .notConnected(failure), by: end),
            up: 0,
            down: 0,
            took: .zero
        )
    }

    private func streamClosed(
        _ facts: StreamFacts,
        _ outcome: RelayOutcome,
        up: UInt64,
        down: UInt64,
        took: Duration
    ) {
        guard logger.logLevel <= .info else { return }
        var fields: Logger.Metadata = [
            "id": "\(facts.id)", "service": "\(facts.service)", "user": "\(facts.user)",
            "from": "\(facts.source)",
            "up": "\(ByteCountText(up))", "down": "\(ByteCountText(down))",
            "took": "\(TimeText(took))", "why": "\(outcome.ending.why)",
            "by": "\(outcome.by.rawValue)",
        ]
        if let route = facts.route { fields["route"] = "\(route)" }
        if let peer = facts.peer { fields["peer"] = "\(peer)" }
        if let target = facts.target { fields["to"] = "\(target)" }
        logger.info("stream closed", metadata: fields)
    }

    func linkEstablished(_ session: PeerSession, peer: String?, took: Duration) {
        var fields: Logger.Metadata = [
            "user": "\(session.user)", "address": "\(session.remote)",
            "took": "\(TimeText(took))",
        ]
        if let peer { fields["peer"] = "\(peer)" }
        logger.info("link established", metadata: fields)
        if !session.isEncrypted {
            logger.warning(
                "link is NOT ENCRYPTED, only authenticated: enabled at both ends",
                metadata: fields
            )
        }
    }

    /// Logs the end of a session, and of its streams with it.
    func sessionEnded(_ session: PeerSession, peer: String?, _ reason: SessionEnd) {
        var fields = fields(of: session, peer, reason.text)
        fields["why"] = "\(reason.reason)"
        switch reason.kind {
        case .closedByPeer, .closedByUs: logger.info("link closed", metadata: fields)
        case .linkLost: logger.warning("session lost", metadata: fields)
        case .violation: logger.warning("session closed: protocol violation", metadata: fields)
        }
    }

    /// Logs that a session has lost its link; its streams wait for another one.
    func linkLost(_ session: PeerSession, peer: String?, _ fault: LinkFault) {
        logger.warning("link lost", metadata: fields(of: session, peer, fault.text))
    }

    /// Logs that a session has another link.
    func resumed(_ session: PeerSession, peer: String?, _ resumption: PeerSession.ResumptionSummary) {
        var fields = fields(of: session, peer, "")
        fields["after"] = "\(TimeText(resumption.gap))"
        fields["resent"] = "\(ByteCountText(UInt64(resumption.resentBytes)))"
        logger.info("session resumed", metadata: fields)
    }

    private func fields(of session: PeerSession, _ peer: String?, _ text: String) -> Logger.Metadata {
        var fields: Logger.Metadata = [
            "user": "\(session.user)", "address": "\(session.remote)",
            "streams": "\(session.interruptedStreams)",
        ]
        if let peer { fields["peer"] = "\(peer)" }
        if !text.isEmpty { fields["text"] = "\(text)" }
        return fields
    }

    func peerDown(_ peer: String, _ failure: LinkFailure) {
        let fields: Logger.Metadata = ["peer": "\(peer)", "text": "\(failure.text)"]
        let message: Logger.Message =
            failure == .passwordRefused
            ? "peer refuses the password, trying again" : "peer is down, trying again"
        logger.warning(message, metadata: fields)
    }

    func peerUp(_ peer: String) {
        logger.info("peer is up", metadata: ["peer": "\(peer)"])
    }

    /// Logs that the password file was reloaded.
    func passwordsRead(_ table: PasswordTable) {
        logger.info("passwords reloaded", metadata: ["users": "\(table.users.count)"])
    }

    /// Logs that the password file could not be reloaded; the current users stay in effect.
    func passwordsNotRead(_ fault: CredentialFault) {
        logger.error(
            "passwords could not be reloaded, keeping the current users",
            metadata: ["text": "\(fault.text)"]
        )
    }

    func listening(_ what: String, _ name: String, _ address: String) {
        logger.info("listening", metadata: ["\(what)": "\(name)", "address": "\(address)"])
    }

    func accepting(pausedBy failure: String, _ address: String) {
        logger.warning("accepting is paused", metadata: ["address": "\(address)", "text": "\(failure)"])
    }

    func acceptingResumed(_ address: String) {
        logger.info("accepting again", metadata: ["address": "\(address)"])
    }

    /// Logs a refusal; `count` is the number of refusals for this reason since the previous line.
    func refused(_ what: String, _ reason: String, count: Int) {
        logger.warning("refused", metadata: ["what": "\(what)", "why": "\(reason)", "count": "\(count)"])
    }

    /// Logs the refusal of an unauthenticated client's link; `count` is the number of such links since the previous line.
    func linkRefused(_ failure: RefusedLink, count: Int) {
        var fields: Logger.Metadata = [
            "from": "\(failure.remote)", "why": "\(failure.reason)", "count": "\(count)",
            "text": "\(failure.text)",
        ]
        if let user = failure.user { fields["user"] = "\(user)" }
        if failure.isWrongGuess {
            logger.warning("login failed", metadata: fields)
        } else {
            logger.info("link refused", metadata: fields)
        }
    }
}

/// A count of bytes for people: `1.2KiB`.
struct ByteCountText: CustomStringConvertible {
    private let count: UInt64

    init(_ count: UInt64) {
        self.count = count
    }

    var description: String {
        guard count >= 1024 else { return "\(count)B" }
        var value = Double(count) / 1024
        var unit = 0
        let units = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
        while value >= 1024, unit + 1 < units.count {
            value /= 1024
            unit += 1
        }
        return value.text(digits: 1) + units[unit]
    }
}

/// A duration for people: `2.51s`, `3.4ms`.
struct TimeText: CustomStringConvertible {
    private let nanoseconds: UInt64

    init(_ duration: Duration) {
        nanoseconds = duration.wholeNanoseconds
    }

    var description: String {
        let seconds = Double(nanoseconds) / 1e9
        return seconds < 1 ? (seconds * 1000).text(digits: 1) + "ms" : seconds.text(digits: 2) + "s"
    }
}

extension Double {
    /// The number with this many digits after the point: at most three, and never with an exponent.
    fileprivate func text(digits: Int) -> String {
        let scale = [1, 10, 100, 1000][min(digits, 3)]
        let scaled = UInt64(max(0, self) * Double(scale) + 0.5)
        let whole = scaled / UInt64(scale)
        var rest = "\(scaled % UInt64(scale))"
        while rest.utf8.count < digits { rest = "0" + rest }
        return digits == 0 ? "\(whole)" : "\(whole).\(rest)"
    }
}
