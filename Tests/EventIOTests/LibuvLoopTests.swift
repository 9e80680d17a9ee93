import CLibuv
import Testing

@testable import EventIO

@Suite struct LibuvLoopTests {
    @Test func aLoopTurnCallsHandlesOfLibuv() throws {
        try withLoop { loop, done in
            let word = UnsafeMutablePointer<uv_async_t>.allocate(capacity: 1)
            word.pointee.data = Unmanaged.passUnretained(loop).toOpaque()
            guard uv_async_init(loop.libuv.uv, word, { $0?.pointee.data = nil }) == 0 else {
                done("uv_async_init")
                return nil
            }
            uv_async_send(word)
            let timer = LoopTimer(loop) {
                done(word.pointee.data == nil ? nil : "it was not called")
                uv_close(word.asHandle) { $0?.deallocate() }
            }
            timer.schedule(after: .milliseconds(100))
            return timer
        }
    }
}
