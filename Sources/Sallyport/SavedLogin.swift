import FoundationEssentials
import SecureLink

/// The content of a login file, as JSON.
struct SavedLogin: Codable {
    let user: String
    let password: String
    let application: String

    /// The maximum size of a login file, in bytes; a valid file is smaller.
    private static let maxBytes = 8192

    init(user: String, password: String, application: String) {
        self.user = user
        self.password = password
        self.application = application
    }

    init(file path: String) throws(SallyportError) {
        let bytes: [UInt8]
        do throws(CredentialFault) {
            bytes = try SecretFile.content(of: path, atMost: Self.maxBytes)
        } catch {
            throw SallyportError(error)
        }
        do { self = try JSONDecoder().decode(SavedLogin.self, from: Data(bytes)) } catch {
            // The decoder's message may quote the content of the file.
            throw SallyportError(.credentials, "\(path): not a login")
        }
    }

    func write(to path: String) throws(SallyportError) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        guard let data = try? encoder.encode(self) else {
            throw SallyportError(.credentials, "\(path): cannot be written as JSON")
        }
        do throws(CredentialFault) {
            try SecretFile.replace(path, with: Array(data) + [UInt8(ascii: "\n")])
        } catch {
            throw SallyportError(error)
        }
    }
}

extension Login {
    /// Reads a login from a file that only its owner can read.
    ///
    /// ``MessageClient/pair(with:code:savingTo:application:)`` writes such a file. Throws ``SallyportError/Code/credentials``.
    public convenience init(file path: String) throws(SallyportError) {
        let saved = try SavedLogin(file: path)
        try self.init(user: saved.user, password: saved.password, application: saved.application)
    }
}
