import Glibc
import Synchronization
import Testing

@testable import EventIO

/// Runs a loop on a thread of its own until the body calls `done`, for at most 20 seconds.
///
/// All objects that the body creates live on the loop's thread and are freed there.
func withLoop(
    pollsBusily: Bool = false,
    _ body:
        @escaping @Sendable (EventLoop, _ done: @escaping @Sendable (String?) -> Void) throws -> AnyObject?
) throws {
    let result = Mutex<String?>("the loop did not come to an end in time")
    let thread = try LoopThread(name: "test-loop") {
        do {
            let loop = try EventLoop(pollsBusily: pollsBusily)
            let limit = LoopTimer(loop) { [unowned loop] in loop.stop() }
            limit.schedule(after: .seconds(20))
            let waker = loop.waker
            let stop = Mailbox<Void>(loop) { [unowned loop] in loop.stop() }
            let held = try body(loop) { failure in
                result.withLock { $0 = failure }
                stop.send(())
            }
            loop.run()
            withExtendedLifetime((held, limit, waker)) {}
        } catch {
            result.withLock { $0 = "\(error)" }
        }
    }
    thread.join()
    let failure = result.withLock { $0 }
    #expect(failure == nil, "\(failure ?? "")")
}

/// A loopback address with port 0, for which the system picks a free port.
func loopback(_ host: String = "127.0.0.1") -> SocketAddress {
    guard let address = SocketAddress(numericHost: host, port: 0) else {
        preconditionFailure("not an address")
    }
    return address
}

/// Queries a TCP socket that is used for nothing else.
func withProbe<Answer>(_ ask: (Int32) -> Answer) -> Answer {
    let probe = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(probe) }
    return ask(probe)
}
