import EventIO

/// Reads lines of standard input on a thread of its own, because a blocking read must not hold up tasks.
enum LineReader {
    static func start(_ line: @escaping @Sendable (String) -> Void, ended: @escaping @Sendable () -> Void) {
        let isRunning = try? LoopThread(name: "sly-lines") {
            while let text = readLine() { line(text) }
            ended()
        }
        if isRunning == nil { ended() }
    }
}
