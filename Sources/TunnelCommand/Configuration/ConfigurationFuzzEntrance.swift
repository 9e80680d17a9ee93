import ConfigurationFile
import Tunnel

/// Parses and decodes arbitrary bytes as one file, without touching any file, variable or clock.
///
/// Besides that nothing traps, it stops the program if one of these does not hold: bytes that give no configuration give at
/// least one error with a place; a configuration has no error beside it, and its effective text is read back to an equal
/// value. Fuzzers call it, and so does the test that replays their corpus.
package func fuzzConfigurationFile(_ bytes: UnsafeRawBufferPointer) {
    let first = decode(SourceFile(name: "tunnel.conf", bytes: bytes))
    // Showing is part of what hostile text must not upset.
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

extension ConfigurationSurroundings {
    /// A world without files, in which every secret file is fit and every variable is set, on a machine of fixed size.
    package static let isolated = ConfigurationSurroundings(
        readFile: { _ in .failure(FileFault(reason: "there are no files")) },
        listFolder: { _ in .failure(FileFault(reason: "there are no folders")) },
        secretFiles: .none,
        hasVariable: { _ in true },
        currentFolder: "/etc/sallyport",
        machine: MachineSize(cores: 4, memory: 8 << 30)
    )
}
