/// The entry points for fuzzing: one function of bytes for each part of the code that reads untrusted input.
///
/// The fuzzers call these functions, and so does the test that replays their corpora. Each function stops the program if
/// an invariant fails that must hold for all inputs. It needs no file, no socket and no clock, and is deterministic.
package enum FuzzEntrance: String, CaseIterable, Sendable {
    /// The messages before there are keys, as each end receives them, and whole exchanges with an attacker in the middle.
    case handshake = "Handshake"
    /// Records and frames of an authenticated peer that ignores the rules.
    case records = "Records"
    /// Two honest ends, with all actions of their owners and all events on the link between them.
    case sessionOperations = "SessionOperations"
    /// The text of a configuration file.
    case configurationFile = "ConfigurationFile"
    /// The text of a password file.
    case passwordFile = "PasswordFile"
    /// The bytes on the library's message streams.
    case items = "Items"

    /// The name of the corpus; the name of the program is `Fuzz` followed by this name.
    package var name: String { rawValue }

    /// Processes one input.
    package func run(_ bytes: UnsafeRawBufferPointer) {
        switch self {
        case .handshake: fuzzHandshake(bytes)
        case .records: fuzzRecords(bytes)
        case .sessionOperations: fuzzSessionOperations(bytes)
        case .configurationFile: fuzzConfigurationFile(bytes)
        case .passwordFile: fuzzPasswordFile(bytes)
        case .items: fuzzItems(bytes)
        }
    }
}
