package import CryptoPrimitives
package import Platform
import Tunnel

/// What reading a configuration wants to know of the world: files, folders, variables, the size of the machine.
///
/// All of it is handed in, so that tests and fuzzers need no files. The functions may be called from any thread.
package struct ConfigurationSurroundings: Sendable {
    /// Reads a file, up to one byte more than the longest configuration.
    package var readFile: @Sendable (_ path: String) -> Result<FileContent, FileFault>
    /// Lists the names in a folder, in any order.
    package var listFolder: @Sendable (_ path: String) -> Result<[String], FileFault>
    /// Looks whether a file is fit to hold a secret.
    package var secretFiles: SecretFileCheck
    /// Whether an environment variable is set to something that is not empty.
    package var hasVariable: @Sendable (_ name: String) -> Bool
    /// Why the library that is wanted for AES-256-GCM cannot be used here, if so.
    package var aeadFault: @Sendable (AEADChoice) -> String?
    /// The folder that relative paths on the command line begin at.
    package var currentFolder: String
    /// What the defaults are computed from.
    package var machine: MachineSize

    /// The bytes of a file, and what tells it from all other files.
    package struct FileContent: Sendable {
        /// What is in it.
        package var bytes: [UInt8]
        /// The device and the number of the file on it: two paths of one file have the same.
        package var identity: [UInt64]

        /// A file with this content.
        package init(bytes: [UInt8], identity: [UInt64]) {
            self.bytes = bytes
            self.identity = identity
        }
    }

    /// Why a file or folder could not be read.
    package struct FileFault: Error, Hashable, Sendable {
        /// The reason, as a clause in lower case without a full stop.
        package var reason: String
        /// Whether whoever runs the program is not allowed to.
        package var isPermission: Bool

        /// A fault with a reason of its own.
        package init(reason: String, isPermission: Bool = false) {
            self.reason = reason
            self.isPermission = isPermission
        }
    }
}

extension ConfigurationSurroundings {
    /// The world as it is.
    package static var system: ConfigurationSurroundings {
        ConfigurationSurroundings(
            readFile: SystemFiles.read,
            listFolder: SystemFiles.list,
            secretFiles: .system,
            hasVariable: { name in
                guard let value = getenv(name) else { return false }
                return value.pointee != 0
            },
            aeadFault: { choice in
                do throws(CryptoFailure) {
                    _ = try choice.backend()
                    return nil
                } catch {
                    return error.reason
                }
            },
            currentFolder: SystemFiles.currentFolder(),
            machine: .current
        )
    }

    /// A path as seen from the file that names it, absolute.
    func path(_ path: String, namedIn file: String) -> String {
        Self.join(currentFolder, Self.join(Self.folder(of: file), path))
    }

    /// The part of a path before the last `/`, empty if there is none.
    static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "" }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// A path below a folder, or the path alone if it is absolute or there is no folder.
    static func join(_ folder: String, _ path: String) -> String {
        guard !path.hasPrefix("/"), !folder.isEmpty else { return path }
        let relative = path.hasPrefix("./") ? String(path.dropFirst(2)) : path
        return folder.hasSuffix("/") ? folder + relative : "\(folder)/\(relative)"
    }
}

extension ConfigurationSurroundings {
    /// A world without files, in which every secret file is fit and every variable is set, on a machine of fixed size.
    package static let isolated = ConfigurationSurroundings(
        readFile: { _ in .failure(FileFault(reason: "there are no files")) },
        listFolder: { _ in .failure(FileFault(reason: "there are no folders")) },
        secretFiles: .none,
        hasVariable: { _ in true },
        aeadFault: { _ in nil },
        currentFolder: "/etc/sallyport",
        machine: MachineSize(cores: 4, memory: 8 << 30)
    )
}
