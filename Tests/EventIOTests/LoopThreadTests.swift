import Foundation
import Testing

@testable import EventIO

@Suite struct LoopThreadTests {
    /// The stack of a thread that is neither joined nor detached stays mapped: 8 MiB of address space each.
    @Test func aThreadThatIsNeverJoinedFreesItsStack() throws {
        let done = ThreadSemaphore()
        let before = try addressSpace()
        for _ in 0..<200 {
            _ = try LoopThread(name: "loose") { done.post() }
            done.wait()
        }
        // The last thread may still be ending, and other tests have threads of their own.
        #expect(try addressSpace() - before < 1 << 30)
    }

    @Test func joinReturnsAfterTheThreadHasEnded() throws {
        let done = ThreadSemaphore()
        let thread = try LoopThread(name: "waited-for") { done.post() }
        thread.join()
        done.wait()
    }

    private func addressSpace() throws -> Int {
        let pages = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8).prefix { $0 != " " }
        return try #require(Int(pages)) * 4096
    }
}
