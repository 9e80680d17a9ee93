import CLibuv
import Testing

@testable import EventIO

@Suite struct LibuvLoopTests {
    /// libuv's pool may say that something is done when the loop knows already and has nothing more to wait for.
    ///
    /// A loop that does not look then is told of it for ever.
    @Test func whatNobodyWaitsForIsHeardAndTheLoopRests() throws {
        try withLoop { loop, done in
            let word = UnsafeMutablePointer<uv_async_t>.allocate(capacity: 1)
            word.pointee.data = Unmanaged.passUnretained(loop).toOpaque()
            guard uv_async_init(loop.libuv.uv, word, { $0?.pointee.data = nil }) == 0 else {
                done("uv_async_init")
                return nil
            }
            uv_unref(word.asHandle)
            uv_async_send(word)
            let timer = LoopTimer(loop) { [unowned loop] in
                done(word.pointee.data == nil ? nil : "nobody listened")
                uv_close(word.asHandle) { $0?.deallocate() }
                loop.libuv.ask()
            }
            timer.schedule(after: .milliseconds(100))
            return timer
        }
    }
}
