import EventIO
import Platform

/// Work that takes long, away from the threads that tasks share.
enum BlockingWork {
    /// Runs it on a thread of its own, or right here if there is none to be had.
    static func run(_ body: @escaping @Sendable () -> Void) {
        if (try? LoopThread(name: "sly-work", body)) == nil { body() }
    }
}

/// What is known of files with secrets.
enum SecretFiles {
    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }
}
