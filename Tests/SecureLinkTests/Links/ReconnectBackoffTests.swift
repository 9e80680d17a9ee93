import Testing

@testable import SecureLink

@Suite struct ReconnectBackoffTests {
    @Test func theFirstRetryIsAtOnceAndTheOthersDoubleToTenSeconds() {
        var random = SystemRandomNumberGenerator()
        var backoff = ReconnectBackoff()
        #expect(backoff.failed(using: &random) == .zero)
        var expected = Duration.milliseconds(500)
        for _ in 0..<20 {
            let wait = backoff.failed(using: &random)
            #expect(wait >= expected * 0.74 && wait <= expected * 1.26)
            expected = min(expected * 2, .seconds(10))
        }
    }

    @Test func afterASuccessTheFirstRetryIsAtOnceAgain() {
        var random = SystemRandomNumberGenerator()
        var backoff = ReconnectBackoff()
        for _ in 0..<5 { _ = backoff.failed(using: &random) }
        backoff.succeeded()
        #expect(backoff.failed(using: &random) == .zero)
    }
}
