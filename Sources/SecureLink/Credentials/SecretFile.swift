import CryptoPrimitives
import Glibc

/// A file that holds a secret: what is looked at is the file that is then read, and not what had its name before.
enum SecretFile {
    /// Opens a file, unless it is not a regular one or others than its owner can read or change it.
    static func open(_ path: String) throws(CredentialFault) -> Int32 {
        // Without waiting: the path could be a pipe that nobody writes to.
        let descriptor = Glibc.open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)
        guard descriptor >= 0 else { throw CredentialFault(String(cString: strerror(errno))) }
        var status = stat()
        let reason: String? =
            if fstat(descriptor, &status) != 0 {
                String(cString: strerror(errno))
            } else if status.st_mode & S_IFMT != S_IFREG {
                "not a regular file"
            } else if status.st_mode & 0o066 != 0 {
                "holds a secret, and others than its owner can read or change it: chmod 600"
            } else {
                nil
            }
        guard let reason else { return descriptor }
        close(descriptor)
        throw CredentialFault(reason)
    }

    /// Reads a file to its end; `nil` when it has more than `most` bytes.
    ///
    /// The bytes are secret: whoever is done with them wipes them.
    static func read(_ descriptor: Int32, atMost most: Int) throws(CredentialFault) -> [UInt8]? {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw CredentialFault(String(cString: strerror(errno))) }
        guard status.st_size <= most else { return nil }
        // All at once: an array that grows leaves copies behind.
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
        var length = 0
        while length < bytes.count {
            let count = bytes.withUnsafeMutableBytes { space in
                Glibc.read(descriptor, space.baseAddress.map { $0 + length }, space.count - length)
            }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else {
                let reason = String(cString: strerror(errno))
                SecretBytes.wipe(&bytes)
                throw CredentialFault(reason)
            }
            guard count > 0 else { break }
            length += count
        }
        bytes.removeLast(bytes.count - length)
        return bytes
    }
}
