import ProtocolCore

/// Reads arbitrary bytes as a password file.
///
/// A file that can be read must be the same after it is written and read again: `passwd` does this with every file.
func fuzzPasswordFile(_ bytes: UnsafeRawBufferPointer) {
    let first: VerifierText
    do { first = try VerifierText(Array(bytes)) } catch {
        precondition(!error.reason.isEmpty, "a fault without a reason")
        return
    }
    guard let second = try? VerifierText(first.encoded) else {
        preconditionFailure("what was written cannot be read")
    }
    precondition(
        second.realm == first.realm && second.cost == first.cost,
        "written and read, it is another one"
    )
    precondition(second.verifiers == first.verifiers, "written and read, its users are others")
}
