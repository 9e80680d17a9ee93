import EventIO
import Platform

/// Slow work that must not block the threads that tasks share.
enum BlockingWork {
    /// Runs the work on a thread of its own, or on the calling thread if no thread can be started.
    static func run(_ body: @escaping @Sendable () -> Void) {
        if (try? LoopThread(name: "sly-work", body)) == nil { body() }
    }
}

/// File system queries about files with secrets.
enum SecretFiles {
    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }
}
