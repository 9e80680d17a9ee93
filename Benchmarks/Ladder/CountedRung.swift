import ArgumentParser
import CryptoPrimitives
import ProtocolCore
import WireCoding

/// A rung whose cost is counted in instructions.
///
/// Instruction counts are the same in each run, even on a noisy machine, where times are not. No counted rung uses a socket: the
/// number of system calls, and the bytes that each of them moves, vary with the machine's load, but these counts depend on the
/// code alone.
enum CountedRung: String, CaseIterable, ExpressibleByArgument {
    case cipher
    case record
    case bulk
    case sealedBulk = "sealed-bulk"
    case small
    case talk
    case visit
    case login

    /// The description of one unit of work.
    var unit: String {
        switch self {
        case .cipher: "seal and open 64 KiB"
        case .record: "the same as a record"
        case .bulk: "1 MiB from session to session, no cipher"
        case .sealedBulk: "1 MiB from session to session"
        case .small: "64 KiB from session to session, 64 bytes at a time, no cipher"
        case .talk: "64 bytes there and back on each of 100 streams, no cipher"
        case .visit: "a stream from its opening to its end, no cipher"
        case .login: "a login, both ends"
        }
    }

    /// Does the given number of units.
    func run(_ units: Int) throws {
        switch self {
        case .cipher: try CipherRung().move(units * CipherRung.textCount)
        case .record: try RecordRung().move(units * CipherRung.textCount)
        case .bulk: try SessionPair(encrypts: false).move(units << 20)
        case .sealedBulk: try SessionPair(encrypts: true).move(units << 20)
        case .small: try SessionPair(encrypts: false).move(units << 16, atMost: 64)
        case .talk:
            let pair = try SessionPair(encrypts: false)
            for _ in 0..<units { try pair.talk(on: 100) }
        case .visit:
            let pair = try SessionPair(encrypts: false)
            for _ in 0..<units { try pair.visit() }
        case .login:
            let people = try LoginRung()
            var ofServer = Duration.zero
            for _ in 0..<units { ofServer += try people.login() }
            let microseconds = ofServer.inSeconds * 1e6 / Double(max(1, units))
            Output.line("\(microseconds.short) us of each are the server's")
        }
    }
}
