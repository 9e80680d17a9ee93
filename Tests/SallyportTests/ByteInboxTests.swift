import Testing

@testable import Sallyport

@Suite struct ByteInboxTests {
    /// A connection that fails cancels its handlers, and a handler that reads is to learn why.
    @Test func whoIsCancelledAfterAFailureIsToldTheFailure() async throws {
        for _ in 0..<5000 {
            let inbox = ByteInbox { _ in }
            let reader = Task { () -> SallyportError.Code? in
                do throws(SallyportError) {
                    _ = try await inbox.read(atMost: 1)
                    return nil
                } catch {
                    return error.code
                }
            }
            inbox.failed(SallyportError(.malformed, "not what was announced"))
            reader.cancel()
            #expect(await reader.value == .malformed)
        }
    }

    @Test func whoIsCancelledBeforeIsToldThat() async throws {
        let inbox = ByteInbox { _ in }
        let reader = Task { () -> SallyportError.Code? in
            do throws(SallyportError) {
                _ = try await inbox.read(atMost: 1)
                return nil
            } catch {
                return error.code
            }
        }
        reader.cancel()
        #expect(await reader.value == .cancelled)
        inbox.failed(SallyportError(.malformed, "not what was announced"))
        await #expect(throws: SallyportError.self) { try await inbox.read(atMost: 1) }
    }
}
