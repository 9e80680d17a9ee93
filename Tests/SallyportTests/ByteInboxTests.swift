import Testing

@testable import Sallyport

@Suite struct ByteInboxTests {
    /// A connection that fails cancels its handlers, and a handler that reads must learn the reason.
    @Test func aReaderCancelledAfterAFailureGetsTheFailure() async throws {
        for _ in 0..<5000 {
            let inbox = ByteInbox { _ in }
            let reader = Self.reader(of: inbox)
            inbox.failed(SallyportError(.malformed, "not what was announced"))
            reader.cancel()
            #expect(await reader.value == .malformed)
        }
    }

    @Test func aReaderCancelledBeforeAFailureGetsCancelled() async throws {
        let inbox = ByteInbox { _ in }
        let reader = Self.reader(of: inbox)
        reader.cancel()
        #expect(await reader.value == .cancelled)
        inbox.failed(SallyportError(.malformed, "not what was announced"))
        await #expect(throws: SallyportError.self) { try await inbox.read(atMost: 1) }
    }

    /// Waits for a byte; the task returns the code of the error that it gets instead.
    private static func reader(of inbox: ByteInbox) -> Task<SallyportError.Code?, Never> {
        Task {
            do throws(SallyportError) {
                _ = try await inbox.read(atMost: 1)
                return nil
            } catch {
                return error.code
            }
        }
    }
}
