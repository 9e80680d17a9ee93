package import CryptoPrimitives
package import Platform
import Tunnel

/// The environment of a configuration: files, folders, environment variables, the size of the machine.
///
/// It is a parameter of reading and decoding, so that tests and fuzzers need no files. Any thread may call the functions.
package struct ConfigurationSurroundings: Sendable {
    /// Reads a file; may stop once it has more bytes than the longest configuration.
    package var readFile: @Sendable (_ path: String) -> Result<FileContent, FileFault>
    /// Lists the names in a folder, in any order.
    package var listFolder: @Sendable (_ path: String) -> Result<[String], FileFault>
    /// Checks whether a file is safe enough to hold a secret.
    package var secretFiles: SecretFileCheck
    /// Whether an environment variable is set and not empty.
    package var hasVariable: @Sendable (_ name: String) -> Bool
    /// The reason why the chosen library for AES-256-GCM cannot be used on this machine; nil if it can.
    package var aeadFault: @Sendable (AEADChoice) -> String?
    /// The folder that relative paths on the command line are relative to.
    package var currentFolder: String
    /// The size of the machine, from which the defaults are computed.
    package var machine: MachineSize

    /// The bytes of a file and its identity.
    package struct FileContent: Sendable {
        /// The bytes of the file.
        package var bytes: [UInt8]
        /// The numbers of the device and of the inode: two paths of the same file have the same identity.
        package var identity: [UInt64]

        /// A file with this content.
        package init(bytes: [UInt8], identity: [UInt64]) {
            self.bytes = bytes
            self.identity = identity
        }
    }

    /// The reason why a file or folder could not be read.
    package struct FileFault: Error, Hashable, Sendable {
        /// The reason, as a clause in lower case without a full stop.
        package var reason: String
        /// Whether the user that runs the program lacks the permission.
        package var isPermission: Bool

        /// Creates a fault.
        package init(reason: String, isPermission: Bool = false) {
            self.reason = reason
            self.isPermission = isPermission
        }
    }
}

extension ConfigurationSurroundings {
    /// The real environment of the process.
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

    /// The absolute path for a path that is relative to the file that names it.
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
    /// An environment without files, in which every secret file is safe and every variable is set, on a machine of fixed size.
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
