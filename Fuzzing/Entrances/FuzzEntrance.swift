/// Everything that reads what a stranger wrote, as functions of bytes: fuzzers call them, and so does the test that
/// replays their corpora.
///
/// Each stops the program where something does not hold that has to hold whatever the bytes are, needs no file, no
/// socket and no clock, and does the same for the same bytes.
package enum FuzzEntrance: String, CaseIterable, Sendable {
    /// The messages before there are keys, as either end hears them, and whole exchanges with somebody in between.
    case handshake = "Handshake"
    /// Records and frames of a peer that has proved itself and knows no rules.
    case records = "Records"
    /// Two honest ends, and whatever their owners and the link between them may do.
    case sessionOperations = "SessionOperations"
    /// The text of a configuration.
    case configurationFile = "ConfigurationFile"
    /// The text of a password file.
    case passwordFile = "PasswordFile"
    /// What comes on the streams of the library's messages.
    case items = "Items"

    /// The name of its corpus and, behind `Fuzz`, of its program.
    package var name: String { rawValue }

    /// Takes one input.
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
