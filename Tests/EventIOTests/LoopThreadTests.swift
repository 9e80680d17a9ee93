import Foundation
import Testing

@testable import EventIO

@Suite struct LoopThreadTests {
    /// The stack of a thread that is neither waited for nor let go stays: 8 MiB of addresses each.
    @Test func threadsThatNobodyWaitsForLeaveNothingBehind() throws {
        let done = ThreadSemaphore()
        let before = try addressSpace()
        for _ in 0..<200 {
            _ = try LoopThread(name: "loose") { done.post() }
            done.wait()
        }
        // The last one may be on its way out, and other tests have threads of their own.
        #expect(try addressSpace() - before < 1 << 30)
    }

    @Test func whoWaitsIsToldWhenTheThreadHasEnded() throws {
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
