import Glibc
import Synchronization
import Testing

/// A standard input that a scenario types in portions and ends when it wants.
final class TypedInput: Sendable {
    /// The pipe that the program reads.
    let path: String
    private let descriptor: Mutex<Int32>

    init(in folder: TemporaryFolder) throws {
        path = folder.newPath("typed")
        try #require(mkfifo(path, 0o600) == 0)
        // Also open for reading, so that opening does not wait for the program.
        let descriptor = open(path, O_RDWR | O_CLOEXEC)
        try #require(descriptor >= 0)
        self.descriptor = Mutex(descriptor)
    }

    deinit {
        end()
    }

    func type(_ text: String) {
        let bytes = Array(text.utf8)
        descriptor.withLock { _ = write($0, bytes, bytes.count) }
    }

    func end() {
        descriptor.withLock { descriptor in
            if descriptor >= 0 { close(descriptor) }
            descriptor = -1
        }
    }
}
