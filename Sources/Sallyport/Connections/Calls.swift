import Basics
import Synchronization

/// The requests of a connection that wait for their answers.
final class Calls: Sendable {
    private struct State {
        var waiting: [UInt64: Waiting] = [:]
        /// The numbers of the requests by the tick of their deadline, so that no request needs a timer of its own.
        var ticks: [UInt64: Set<UInt64>] = [:]
        var failure: SallyportError?
    }

    private struct Waiting {
        let continuation: CheckedContinuation<Result<Item, SallyportError>, Never>
        let timeout: Duration
        let tick: UInt64
        let expired: @Sendable () -> Void
    }

    private let state = Mutex(State())

    /// The precision of timeouts.
    ///
    /// Larger: timeouts are later. Smaller: the loop wakes more often while requests wait.
    static let tick = Duration.milliseconds(20)

    /// Returns the number of the tick that contains a moment.
    private static func tick(of moment: Instant) -> UInt64 { moment.nanoseconds / tick.wholeNanoseconds }

    /// The number of requests that wait.
    var count: Int { state.withLock { $0.waiting.count } }

    /// Waits for the answer to the request with this number, which `send` sends.
    ///
    /// The wait ends early when the task is cancelled or `deadline` passes; then the call runs `expired`. The call runs
    /// `isFirst` if no other request waits, so that the loop begins to check deadlines.
    func call(
        _ number: UInt64,
        timeout: Duration,
        deadline: Instant,
        isFirst: () -> Void,
        expired: @escaping @Sendable () -> Void,
        send: () -> Void
    ) async throws(SallyportError) -> Item {
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let (failure, count) = state.withLock { state -> (SallyportError?, Int) in
                    if let failure = state.failure { return (failure, 0) }
                    if Task.isCancelled { return (.cancelled, 0) }
                    let tick = Self.tick(of: deadline)
                    state.waiting[number] = Waiting(
                        continuation: continuation,
                        timeout: timeout,
                        tick: tick,
                        expired: expired
                    )
                    state.ticks[tick, default: []].insert(number)
                    return (nil, state.waiting.count)
                }
                if count == 1 { isFirst() }
                if let failure { continuation.resume(returning: .failure(failure)) } else { send() }
            }
        } onCancel: {
            if end(number, .failure(.cancelled)) { expired() }
        }
        return try result.get()
    }

    /// Delivers an answer to the task that waits for it; discards an answer that no task waits for.
    func answered(_ item: Item) {
        _ = end(item.number, item.kind == .failure ? .failure(item.failure) : .success(item))
    }

    /// Ends the wait for all requests whose deadline has passed.
    func expire(at now: Instant) {
        let due = state.withLock { state in
            let ticks = state.ticks.keys.filter { $0 < Self.tick(of: now) }
            return ticks.flatMap { state.ticks.removeValue(forKey: $0) ?? [] }
        }
        for number in due {
            guard
                let (timeout, expired) = state.withLock({ state in
                    state.waiting[number].map { ($0.timeout, $0.expired) }
                })
            else { continue }
            if end(number, .failure(SallyportError(.timeout, "no answer within \(timeout)"))) { expired() }
        }
    }

    /// Ends the wait for all requests with an error, because no answer can arrive any more.
    func fail(_ failure: SallyportError) {
        let waiting = state.withLock { state in
            state.failure = state.failure ?? failure
            defer {
                state.waiting = [:]
                state.ticks = [:]
            }
            return state.waiting
        }
        for call in waiting.values { call.continuation.resume(returning: .failure(failure)) }
    }

    private func end(_ number: UInt64, _ result: Result<Item, SallyportError>) -> Bool {
        let waiting = state.withLock { state -> Waiting? in
            guard let waiting = state.waiting.removeValue(forKey: number) else { return nil }
            state.ticks[waiting.tick]?.remove(number)
            if state.ticks[waiting.tick]?.isEmpty ?? false { state.ticks[waiting.tick] = nil }
            return waiting
        }
        waiting?.continuation.resume(returning: result)
        return waiting != nil
    }
}

extension Item {
    /// The error that a failure item carries: a code of two bytes, and a text.
    var failure: SallyportError {
        let bytes = payload.bytes
        guard bytes.count >= 2 else { return SallyportError(.malformed, "a failure without a code") }
        let code = SallyportError.Code(rawValue: UInt16(bytes[0]) << 8 | UInt16(bytes[1]))
        return SallyportError(code, String(decoding: bytes[2...], as: UTF8.self))
    }

    /// Makes the item that reports that a request was not answered.
    static func failure(_ error: SallyportError, to number: UInt64) -> Item {
        let code = error.code.rawValue
        let text = error.message.utf8.prefix(1024)
        return Item(
            .failure,
            number: number,
            payload: .bytes([UInt8(code >> 8), UInt8(truncatingIfNeeded: code)] + text)
        )
    }
}
