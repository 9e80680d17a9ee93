import ArgumentParser
import EventIO
import Platform
import Sallyport
import Synchronization

struct SelfTestCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "selftest",
        abstract: "Tests the installation with a server and a client in this process.",
        discussion: """
            EXAMPLES
              sallyport selftest

            Starts a message server on a free port of this machine with a generated password, logs in, and sends requests, a \
            packet and a stream of bytes. Prints a line for each step. Exit status: 0 all steps succeeded, 70 a step failed. \
            Takes about two seconds.
            """
    )

    func run() throws {
        ProcessControl.prepare()
        let steps = waiting { await SelfTest.run() }
        for step in steps {
            print(step.failure.map { "failed  \(step.name): \($0)" } ?? "ok      \(step.name)")
        }
        guard steps.allSatisfy({ $0.failure == nil }) else {
            throw CommandFailure(status: .software, message: "the self-test failed; the lines above say why")
        }
    }
}

/// Runs `body` in a task and blocks the calling thread until it returns.
///
/// Only for commands, which have a thread of their own.
func waiting<Value: Sendable>(for body: @escaping @Sendable () async -> Value) -> Value {
    let result = Awaited<Value>()
    Task {
        let value = await body()
        result.value.withLock { $0 = value }
        result.done.post()
    }
    while true {
        result.done.wait()
        if let value = result.value.withLock({ $0 }) { return value }
    }
}

private final class Awaited<Value: Sendable>: Sendable {
    let value = Mutex<Value?>(nil)
    let done = ThreadSemaphore()
}
