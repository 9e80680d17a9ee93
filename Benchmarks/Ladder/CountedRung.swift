import ArgumentParser
import CryptoPrimitives
import ProtocolCore
import WireCoding

/// What is counted in instructions: the same each time, on a noisy machine too, where seconds are not.
///
/// No socket is among them. How often a system call is made, and how much it takes with it, depends on the machine's mood;
/// what is counted here depends on the code alone.
enum CountedRung: String, CaseIterable, ExpressibleByArgument {
    case cipher
    case record
    case bulk
    case sealedBulk = "sealed-bulk"
    case small
    case talk
    case visit
    case login

    /// What one unit is.
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

    /// Does so many units.
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
