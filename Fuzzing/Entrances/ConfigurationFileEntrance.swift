import ConfigurationFile
import Tunnel
import TunnelCommand

/// Parses and decodes arbitrary bytes as one file, without access to files, environment variables or a clock.
///
/// Bytes that do not give a configuration must give at least one error with a location. Bytes that give one must give
/// no error, and the text of the effective configuration must be read back as an equal value.
func fuzzConfigurationFile(_ bytes: UnsafeRawBufferPointer) {
    let first = decode(SourceFile(name: "tunnel.conf", bytes: bytes))
    // Hostile text must not break the display of diagnostics either.
    let shown = first.diagnostics.map(\.description)
    precondition(shown.allSatisfy { !$0.isEmpty })
    let errors = first.diagnostics.filter { $0.severity == .error }
    guard let configuration = first.configuration else {
        precondition(errors.contains { $0.location != nil }, "no configuration, and no error that says where")
        return
    }
    precondition(errors.isEmpty, "a configuration in spite of an error")
    let text = EffectiveConfiguration(configuration).description
    let second = decode(SourceFile(name: "effective.conf", text: text))
    precondition(second.configuration == configuration, "the effective text is another configuration")
}

private func decode(_ file: SourceFile) -> (configuration: TunnelConfiguration?, diagnostics: [Diagnostic]) {
    let (document, faults) = Parser.parse(file)
    return ConfigurationDecoding.decode([document], earlier: faults, in: .isolated)
}
