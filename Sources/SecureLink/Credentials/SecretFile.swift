import CryptoPrimitives
import Platform

/// A file that holds a secret.
///
/// The checks apply to the open file that is then read, not to another file that had its name before.
package enum SecretFile {
    /// Opens a file, unless it is not a regular one, or users other than its owner can read or change it.
    static func open(_ path: String) throws(CredentialFault) -> Int32 {
        // Without blocking: the path could be a pipe that has no writer.
        let descriptor = Platform.open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)
        guard descriptor >= 0 else { throw CredentialFault(String(cString: strerror(errno))) }
        var status = stat()
        let reason: String? =
            if fstat(descriptor, &status) != 0 {
                String(cString: strerror(errno))
            } else if status.st_mode & S_IFMT != S_IFREG {
                "not a regular file"
            } else if status.st_mode & 0o066 != 0 {
                "holds a secret, and users other than its owner can read or change it: run chmod 600"
            } else {
                nil
            }
        guard let reason else { return descriptor }
        close(descriptor)
        throw CredentialFault(reason)
    }

    /// Reads a whole file that only its owner can read; the caller must wipe the bytes after use.
    package static func content(of path: String, atMost most: Int) throws(CredentialFault) -> [UInt8] {
        do throws(CredentialFault) {
            let descriptor = try open(path)
            defer { close(descriptor) }
            guard let bytes = try read(descriptor, atMost: most) else {
                throw CredentialFault("has more than \(most) bytes")
            }
            return bytes
        } catch {
            throw CredentialFault("\(path): \(error.text)")
        }
    }

    /// Writes a file with mode 0600: first beside the old one, then in its place.
    package static func replace(_ path: String, with bytes: [UInt8]) throws(CredentialFault) {
        let temporary = path + ".new"
        unlink(temporary)
        let descriptor = Platform.open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw CredentialFault("\(temporary): \(String(cString: strerror(errno)))")
        }
        var written = 0
        var failure: Int32 = 0
        while written < bytes.count, failure == 0 {
            let count = bytes.withUnsafeBytes {
                Platform.write(descriptor, $0.baseAddress.map { $0 + written }, $0.count - written)
            }
            if count < 0, errno != EINTR { failure = errno } else { written += max(0, count) }
        }
        if failure == 0, fsync(descriptor) != 0 { failure = errno }
        close(descriptor)
        if failure == 0, rename(temporary, path) != 0 { failure = errno }
        guard failure == 0 else {
            unlink(temporary)
            throw CredentialFault("\(path): \(String(cString: strerror(failure)))")
        }
    }

    /// Reads a file to its end; `nil` if it has more than `most` bytes.
    ///
    /// The bytes are secret: the caller must wipe them after use.
    static func read(_ descriptor: Int32, atMost most: Int) throws(CredentialFault) -> [UInt8]? {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw CredentialFault(String(cString: strerror(errno))) }
        guard status.st_size <= most else { return nil }
        // Allocated at once: an array that grows leaves copies behind.
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
        var length = 0
        while length < bytes.count {
            let count = bytes.withUnsafeMutableBytes { space in
                Platform.read(descriptor, space.baseAddress.map { $0 + length }, space.count - length)
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
