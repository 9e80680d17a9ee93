import Basics
import EventIO
import ProtocolCore
import Synchronization

/// Limits the handshakes of unauthenticated clients (PROTOCOL.md, Limits before authentication).
///
/// It bounds the number of handshakes in progress and adds a penalty for every failure from a source address. If too many have
/// failed from an address, the server accepts no logins from there for a while, but its clients can still resume sessions: a user
/// who shares an address with a password guesser keeps existing sessions.
///
/// The process has one gate, which all threads share. They call it for each link, never for each byte.
package final class HandshakeGate: Sendable {
    /// The result of a handshake.
    package enum Outcome: Sendable {
        /// The client has proved a password or a session.
        case success
        /// The client received the server's proof and sent no proof of its own, or a wrong one: one guess at a password.
        case wrongGuess
        /// The client did not speak the protocol, or violated it.
        case garbage
        /// The link ended before the client had sent any byte.
        case silence
        /// The client was too slow.
        case timeout
        /// Nothing that counts against the client; for example, it disconnected before the server's proof, or the server rejected
        /// it.
        case nothing
    }

    /// The requests that a link may make.
    enum Admission: Hashable, Sendable {
        /// A login, or the resumption of a session.
        case anything
        /// Only the resumption of a session, which allows no guess at a password.
        ///
        /// Too many handshakes from this prefix have failed; a login may be tried again after this time.
        case sessionsOnly(loginAfterSeconds: UInt16)
        /// Nothing; the value is the reason.
        case nothing(String)

        /// Whether the gate counts the link until ``HandshakeGate/end(_:_:_:at:)``.
        var isCounted: Bool {
            if case .nothing = self { false } else { true }
        }
    }

    private struct Penalty {
        /// The moment until which the failures of this prefix count.
        var until: Instant
        /// Whether the penalty has reached the bound from which logins are refused.
        var isActive = false
    }

    private struct State {
        var underWay = 0
        /// The handshakes in progress that may only resume sessions.
        var inPenalty = 0
        var perPrefix: [AddressPrefix: Int] = [:]
        var penalties: [AddressPrefix: Penalty] = [:]
        /// The earliest moment of the next scan for penalties that are over.
        var nextCleaning = Instant.start
        var guesses: [[UInt8]: TokenBucket] = [:]
        /// The prefixes from which a client has proved itself, each with the moment until which it counts as known.
        var known: [AddressPrefix: Instant] = [:]
    }

    private let state = Mutex(State())
    private let maxUnderWay: Int
    /// The maximum number of handshakes in progress from all prefixes with a penalty together.
    ///
    /// Clients of these prefixes must not be able to take the places of all others with silent connections.
    private let maxInPenalty: Int

    // The numbers and their meaning are those of OpenSSH's PerSourcePenalties, which have proved themselves on the Internet.
    private static let maxPerPrefix = 8
    /// The maximum number of handshakes in progress from one prefix while its logins are refused.
    ///
    /// Larger: unauthenticated clients can hold more of the few places that all such prefixes share. Smaller: a client with
    /// several links has to resume them one after another.
    private static let maxPerPrefixInPenalty = 4
    private static let guessPenalty = Duration.seconds(5)
    private static let garbagePenalty = Duration.seconds(1)
    private static let timeoutPenalty = Duration.seconds(10)
    /// The sum of penalties from which logins are refused; smaller sums have no effect.
    private static let actsFrom = Duration.seconds(15)
    /// The same bound for a prefix from which a client has proved itself recently.
    ///
    /// A login that a bad line interrupts looks like a guess, and the clients of this prefix must be able to resume their
    /// sessions. In the long run the gate still allows only one guess in five seconds.
    private static let actsOnKnownFrom = Duration.seconds(60)
    private static let maxPenalties = 65536
    /// The time for which a prefix is known after a client has proved a password or a session from it.
    ///
    /// Unfinished handshakes from a known prefix are more likely caused by a bad line than by an attacker, and a client that
    /// often loses its links must be able to reconnect.
    private static let knownTime = Duration.seconds(600)
    private static let cleaningInterval = Duration.seconds(1)
    private static let maxGuessedUsers = 65536
    /// The time in which one guess is allowed, in seconds.
    ///
    /// One guess in five seconds is 2^22.6 a year: 40 random bits are safe for decades.
    private static let secondsPerGuess = 5
    /// The number of guesses at one user's password that are allowed at once: enough for a user who mistypes, or for a fleet of
    /// clients that starts.
    private static let guessesAtOnce = 10

    /// A gate that allows at most `maxUnderWay` handshakes in progress.
    package init(maxUnderWay: Int) {
        self.maxUnderWay = maxUnderWay
        maxInPenalty = max(1, maxUnderWay / 8)
    }

    /// Admits a link from this prefix.
    ///
    /// - Returns: the requests that the link may make; unless it is ``Admission/nothing(_:)``, ``end(_:_:_:at:)`` must be called
    ///   for the link.
    func begin(_ prefix: AddressPrefix, at now: Instant) -> Admission {
        state.withLock { state in
            let admission = admission(of: prefix, &state, at: now)
            switch admission {
            case .anything: break
            case .sessionsOnly: state.inPenalty += 1
            case .nothing: return admission
            }
            state.underWay += 1
            state.perPrefix[prefix, default: 0] += 1
            return admission
        }
    }

    /// Ends the handshake of a link from this prefix that ``begin(_:at:)`` admitted.
    ///
    /// While the gate refuses logins from a prefix, further failures from it add no penalty.
    func end(_ prefix: AddressPrefix, _ admission: Admission, _ outcome: Outcome, at now: Instant) {
        state.withLock { state in
            state.underWay -= 1
            let rest = state.perPrefix[prefix, default: 1] - 1
            state.perPrefix[prefix] = rest > 0 ? rest : nil
            if outcome == .success { Self.note(prefix, &state, at: now) }
            if case .sessionsOnly = admission {
                state.inPenalty -= 1
                return
            }
            let isKnown = now < state.known[prefix, default: .start]
            let penalty: Duration =
                switch outcome {
                case .success, .nothing: .zero
                case .wrongGuess: Self.guessPenalty
                case .garbage: Self.garbagePenalty
                case .silence: isKnown ? .zero : Self.garbagePenalty
                case .timeout: isKnown ? .zero : Self.timeoutPenalty
                }
            if penalty > .zero {
                let bound = isKnown ? Self.actsOnKnownFrom : Self.actsFrom
                Self.punish(prefix, penalty, from: bound, &state, at: now)
            }
        }
    }

    /// Counts a guess at this user's password: a client is about to receive the server's proof.
    ///
    /// It counts as a guess until the client has proved itself; then the caller calls ``wasNoGuess(_:)``.
    ///
    /// - Returns: whether the guess is within the limit: one in five seconds, and ten at once. There is no lock-out, because
    ///   an attacker could use it to lock users out; further guesses are only delayed.
    func mayGuess(_ user: [UInt8], at now: Instant) -> Bool {
        state.withLock { state in
            if state.guesses.count >= Self.maxGuessedUsers { Self.forgetGuesses(&state, at: now) }
            var bucket =
                state.guesses[user]
                ?? TokenBucket(
                    capacity: Self.guessesAtOnce * Self.secondsPerGuess,
                    perSecond: 1,
                    at: now
                )
            var mayGuess = true
            for _ in 0..<Self.secondsPerGuess where !bucket.take(at: now) { mayGuess = false }
            state.guesses[user] = bucket
            return mayGuess
        }
    }

    /// Takes a guess back: the client has proved itself.
    func wasNoGuess(_ user: [UInt8]) {
        state.withLock { $0.guesses[user]?.giveBack(Self.secondsPerGuess) }
    }

    /// Marks a prefix as known: a client has proved itself from it.
    private static func note(_ prefix: AddressPrefix, _ state: inout State, at now: Instant) {
        if state.known.count >= maxPenalties {
            state.known = state.known.filter { $0.value > now }
            if state.known.count >= maxPenalties { state.known = [:] }
        }
        state.known[prefix] = now.advanced(by: knownTime)
    }

    /// Forgets the users without recent guesses; if there are none, forgets all users.
    private static func forgetGuesses(_ state: inout State, at now: Instant) {
        let before = state.guesses.count
        state.guesses = state.guesses.filter { !$0.value.isFull(at: now) }
        if state.guesses.count == before { state.guesses = [:] }
    }

    private func admission(of prefix: AddressPrefix, _ state: inout State, at now: Instant) -> Admission {
        guard state.underWay < maxUnderWay else {
            return .nothing("too many handshakes at once (max-handshakes)")
        }
        let fromThere = state.perPrefix[prefix, default: 0]
        guard fromThere < Self.maxPerPrefix else {
            return .nothing("too many handshakes from this address at once")
        }
        guard let penalty = state.penalties[prefix] else { return .anything }
        guard now < penalty.until else {
            state.penalties[prefix] = nil
            return .anything
        }
        guard penalty.isActive else { return .anything }
        guard fromThere < Self.maxPerPrefixInPenalty, state.inPenalty < maxInPenalty else {
            return .nothing("too many failures from this address")
        }
        let seconds = penalty.until.duration(since: now).components.seconds + 1
        return .sessionsOnly(loginAfterSeconds: UInt16(clamping: seconds))
    }

    private static func punish(
        _ prefix: AddressPrefix,
        _ amount: Duration,
        from bound: Duration,
        _ state: inout State,
        at now: Instant
    ) {
        if state.penalties.count >= maxPenalties, state.penalties[prefix] == nil {
            // A full scan is expensive; an attacker with many source addresses must not be able to trigger it at will. Between
            // two scans, the gate drops an arbitrary penalty to make room.
            if now >= state.nextCleaning {
                state.penalties = state.penalties.filter { $0.value.until > now }
                state.nextCleaning = now.advanced(by: cleaningInterval)
            }
            if state.penalties.count >= maxPenalties {
                state.penalties.remove(at: state.penalties.startIndex)
            }
        }
        var penalty = state.penalties[prefix] ?? Penalty(until: now)
        // The sum is at most the larger bound plus the penalties of all handshakes that were admitted before:
        // 60 s + 8 × 10 s = 140 s.
        penalty.until = max(penalty.until, now).advanced(by: amount)
        if penalty.until.duration(since: now) >= bound { penalty.isActive = true }
        state.penalties[prefix] = penalty
    }
}
