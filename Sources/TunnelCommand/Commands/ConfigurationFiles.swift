import ConfigurationFile
import SecureLink
import Tunnel
import Vocabulary

/// A loaded configuration with the secrets that it names.
struct ReadyConfiguration {
    let configuration: TunnelConfiguration
    let secrets: TunnelSecrets

    /// Loads files and prints the errors and warnings about them to standard error.
    ///
    /// - Throws: a failure with exit status 78 for an error in the text, 77 if only permissions are wrong.
    init(files: [String]) throws {
        let loaded = ConfigurationLoading.load(files)
        if !loaded.report.isEmpty { TerminalOutput.note(String(loaded.report.dropLast())) }
        guard let configuration = loaded.configuration else {
            let count = loaded.diagnostics.count { $0.severity == .error }
            throw CommandFailure(
                status: loaded.refusal == .permission ? .permission : .configuration,
                message:
                    "\(count == 1 ? "1 error" : "\(count) errors") in the configuration; nothing was started"
            )
        }
        try self.init(configuration)
    }

    /// Takes a configuration whose secrets have been read.
    init(configuration: TunnelConfiguration, secrets: TunnelSecrets) {
        self.configuration = configuration
        self.secrets = secrets
    }

    /// Reads the secrets of a configuration.
    init(_ configuration: TunnelConfiguration) throws {
        self.configuration = configuration
        do throws(CredentialFault) {
            var passwords: PasswordTable?
            if let server = configuration.server {
                passwords = try PasswordFile(reading: server.passwordFile).table()
            }
            var credentials: [String: CredentialStore] = [:]
            for peer in configuration.peers {
                let password =
                    switch peer.password {
                    case .file(let path): try LoginPassword(file: path)
                    case .environment(let name): try LoginPassword(environment: name)
                    }
                credentials[peer.name] = try CredentialStore(
                    user: peer.user.text,
                    password: password,
                    realm: peer.realm
                )
            }
            secrets = TunnelSecrets(passwords: passwords, credentials: credentials)
        } catch {
            throw CommandFailure(status: .configuration, message: error.text)
        }
    }
}
