import Platform

/// The progress of a transfer.
public struct TransferProgress: Hashable, Sendable {
    /// The number of bytes transferred so far.
    public let done: Int
    /// The total number of bytes, or `nil` if it is not known.
    public let total: Int?

    /// Creates a progress of `done` out of `total` bytes.
    public init(done: Int, total: Int?) {
        self.done = done
        self.total = total
    }
}

extension ByteStream {
    /// Writes the content of a file in portions; calls `progress` after each portion.
    ///
    /// Returns the number of bytes written. Throws ``SallyportError/Code/system`` if the file cannot be read, and the errors of
    /// ``write(_:)``.
    @discardableResult
    public func write(
        contentsOf path: String,
        progress: (@Sendable (TransferProgress) -> Void)? = nil
    ) async throws(SallyportError) -> Int {
        let file = try OpenFile(path, O_RDONLY | O_CLOEXEC)
        let total = file.size
        var done = 0
        while true {
            let portion = try file.read()
            guard !portion.isEmpty else { return done }
            try await write(portion)
            done += portion.count
            progress?(TransferProgress(done: done, total: total))
        }
    }

    /// Reads to the end of the stream and writes the bytes to a file, in portions; calls `progress` after each portion.
    ///
    /// The file is created with mode 0600, or truncated; it is kept if the stream fails. Returns the number of bytes. Throws
    /// ``SallyportError/Code/tooLarge`` if there are more than `most` bytes, ``SallyportError/Code/system`` if the file cannot be
    /// written, and the errors of ``read(atMost:)``.
    @discardableResult
    public func read(
        into path: String,
        atMost most: Int = .max,
        progress: (@Sendable (TransferProgress) -> Void)? = nil
    ) async throws(SallyportError) -> Int {
        let file = try OpenFile(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC)
        var done = 0
        while let portion = try await read(atMost: OpenFile.portion) {
            guard portion.count <= most - done else {
                throw SallyportError(.tooLarge, "more than \(most) bytes")
            }
            try file.write(portion)
            done += portion.count
            progress?(TransferProgress(done: done, total: nil))
        }
        return done
    }
}

/// An open file, closed when the object is freed.
private final class OpenFile: Sendable {
    private let descriptor: Int32
    private let path: String

    /// The size of a portion, in bytes.
    ///
    /// Larger: more memory. Smaller: more system calls.
    static let portion = 256 << 10

    init(_ path: String, _ flags: Int32) throws(SallyportError) {
        self.path = path
        descriptor = open(path, flags, 0o600)
        guard descriptor >= 0 else { throw SallyportError(.system, "\(path): \(Self.reason)") }
    }

    deinit {
        close(descriptor)
    }

    private static var reason: String { String(cString: strerror(errno)) }

    /// The size of the file, or `nil` if it is not a regular file.
    var size: Int? {
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        return Int(status.st_size)
    }

    func read() throws(SallyportError) -> [UInt8] {
        var failure: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: Self.portion) { space, count in
            var result = 0
            repeat {
                result = Platform.read(descriptor, space.baseAddress, space.count)
            } while result < 0 && errno == EINTR
            failure = result < 0 ? errno : 0
            count = max(0, result)
        }
        guard failure == 0 else {
            throw SallyportError(.system, "\(path): \(String(cString: strerror(failure)))")
        }
        return bytes
    }

    func write(_ bytes: [UInt8]) throws(SallyportError) {
        var written = 0
        while written < bytes.count {
            let result = bytes.withUnsafeBytes {
                Platform.write(descriptor, $0.baseAddress.map { $0 + written }, $0.count - written)
            }
            if result < 0, errno != EINTR { throw SallyportError(.system, "\(path): \(Self.reason)") }
            written += max(0, result)
        }
    }

}
