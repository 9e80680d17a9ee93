import Basics
import EventIO
import ProtocolCore
import Synchronization

/// Who may begin a handshake: bounds on how many are under way, and patience with those who fail (PROTOCOL.md, Limits
/// before authentication).
///
/// Where others have failed too often no more logins are served for a while, but proofs of sessions are: whoever shares an
/// address with a guesser keeps what he has.
///
/// One for the whole process, shared by all threads. It is asked for each link, never for each byte.
package final class HandshakeGate: Sendable {
    /// How a handshake went.
    package enum Outcome: Sendable {
        /// The client has proved itself.
        case success
        /// It was shown our proof and did not give its own, or a wrong one: one guess at a password.
        case wrongGuess
        /// It did not speak our protocol, or broke it.
        case garbage
        /// It ended before it had said anything.
        case silence
        /// It was too slow.
        case timeout
        /// It went away before anything was at stake, or was turned away by us.
        case nothing
    }

    /// What a link may ask for.
    enum Admission: Hashable, Sendable {
        /// A login or a session.
        case anything
        /// A session, which takes no guess: others have failed there too often, and a login may be tried after so many seconds.
        case sessionsOnly(loginAfterSeconds: UInt16)
        /// Nothing; why not.
        case nothing(String)

        /// Whether the gate counts the link until ``HandshakeGate/end(_:_:_:at:)``.
        var isCounted: Bool {
            if case .nothing = self { false } else { true }
        }
    }

    private struct Penalty {
        /// Until when the failures of this prefix count.
        var until: Instant
        /// Whether it has grown so far that logins are refused.
        var isActive = false
    }

    private struct State {
        var underWay = 0
        /// Those of them that may ask for sessions only.
        var inPenalty = 0
        var perPrefix: [AddressPrefix: Int] = [:]
        var penalties: [AddressPrefix: Penalty] = [:]
        /// When penalties that are over may be looked for again.
        var nextCleaning = Instant.start
        var guesses: [[UInt8]: TokenBucket] = [:]
        /// Until when a prefix is known as one that somebody logs in from.
        var known: [AddressPrefix: Instant] = [:]
    }

    private let state = Mutex(State())
    private let maxUnderWay: Int
    /// How many links from prefixes with a penalty are heard at once: whoever has failed there must not be able to fill the
    /// places of all others by saying nothing.
    private let maxInPenalty: Int

    // Numbers and meaning are those of OpenSSH's PerSourcePenalties, which have been tried on the open network.
    private static let maxPerPrefix = 8
    /// The same while no logins are served there.
    ///
    /// Fewer would make a client with some links wait for one of them; more would let strangers hold more of the few places
    /// that there are for all such prefixes.
    private static let maxPerPrefixInPenalty = 4
    private static let guessPenalty = Duration.seconds(5)
    private static let garbagePenalty = Duration.seconds(1)
    private static let timeoutPenalty = Duration.seconds(10)
    /// Failures that add up to less are forgiven.
    private static let actsFrom = Duration.seconds(15)
    /// The same where somebody has logged in lately.
    ///
    /// Logins that a bad line has cut look like guesses, and sessions from there must be able to come back. In the long run it
    /// is one guess in five seconds all the same.
    private static let actsOnKnownFrom = Duration.seconds(60)
    private static let maxPenalties = 65536
    /// Where somebody has proved a password or a session lately, unfinished handshakes are more likely a bad line than a
    /// stranger, and whoever loses links all the time must be able to come back.
    private static let knownTime = Duration.seconds(600)
    private static let cleaningInterval = Duration.seconds(1)
    private static let maxGuessedUsers = 65536
    /// One guess in five seconds is 2^22.6 a year: 40 random bits are safe for decades.
    private static let secondsPerGuess = 5
    /// A person who mistypes, or a fleet that starts.
    private static let guessesAtOnce = 10

    /// Lets at most `maxUnderWay` handshakes be under way.
    package init(maxUnderWay: Int) {
        self.maxUnderWay = maxUnderWay
        maxInPenalty = max(1, maxUnderWay / 8)
    }

    /// A link came from there.
    ///
    /// - Returns: what it may ask for; if that is anything at all, ``end(_:_:_:at:)`` has to be called for it.
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

    /// The handshake of a link from there is over, which was let in like this.
    ///
    /// What goes wrong where no logins are served costs nothing more, as if the door had been shut.
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

    /// Somebody is about to be shown our proof for this user, which counts as a guess until it has proved itself.
    ///
    /// - Returns: whether there have been few enough: one in five seconds and ten at once. There is no lock-out, which
    ///   would be a way to lock others out; more are only served last.
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

    /// Who was about to be shown our proof has proved itself: it was no guess.
    func wasNoGuess(_ user: [UInt8]) {
        state.withLock { $0.guesses[user]?.giveBack(Self.secondsPerGuess) }
    }

    /// Somebody has logged in from there.
    private static func note(_ prefix: AddressPrefix, _ state: inout State, at now: Instant) {
        if state.known.count >= maxPenalties {
            state.known = state.known.filter { $0.value > now }
            if state.known.count >= maxPenalties { state.known = [:] }
        }
        state.known[prefix] = now.advanced(by: knownTime)
    }

    /// Who has not been tried lately is forgotten; if that is nobody, everybody is.
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
            return .nothing("too many handshakes from there at once")
        }
        guard let penalty = state.penalties[prefix] else { return .anything }
        guard now < penalty.until else {
            state.penalties[prefix] = nil
            return .anything
        }
        guard penalty.isActive else { return .anything }
        guard fromThere < Self.maxPerPrefixInPenalty, state.inPenalty < maxInPenalty else {
            return .nothing("too many failures from there")
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
            // Looking through all of them is dear, and a stranger from ever new places must not be able to ask for it
            // each time: in between, whichever comes first makes room.
            if now >= state.nextCleaning {
                state.penalties = state.penalties.filter { $0.value.until > now }
                state.nextCleaning = now.advanced(by: cleaningInterval)
            }
            if state.penalties.count >= maxPenalties {
                state.penalties.remove(at: state.penalties.startIndex)
            }
        }
        var penalty = state.penalties[prefix] ?? Penalty(until: now)
        // At most the larger bound and what all those may add that had come before: 140 s.
        penalty.until = max(penalty.until, now).advanced(by: amount)
        if penalty.until.duration(since: now) >= bound { penalty.isActive = true }
        state.penalties[prefix] = penalty
    }
}
