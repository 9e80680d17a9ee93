import Glibc

/// A lock that the thread sanitizer understands.
///
/// The lock of Synchronization consists of atomics in a library that is not instrumented, so the sanitizer reports races for all
/// data that it guards. This type shadows it in each module to which this file is added.
struct Mutex<Value>: ~Copyable, @unchecked Sendable {
    private let lock: UnsafeMutablePointer<pthread_mutex_t>
    private let value: UnsafeMutablePointer<Value>

    init(_ initial: consuming sending Value) {
        lock = .allocate(capacity: 1)
        pthread_mutex_init(lock, nil)
        value = .allocate(capacity: 1)
        value.initialize(to: initial)
    }

    deinit {
        pthread_mutex_destroy(lock)
        lock.deallocate()
        value.deinitialize(count: 1)
        value.deallocate()
    }

    borrowing func withLock<Result: ~Copyable, Failure: Error>(
        _ body: (inout sending Value) throws(Failure) -> sending Result
    ) throws(Failure) -> sending Result {
        pthread_mutex_lock(lock)
        defer { pthread_mutex_unlock(lock) }
        return try body(&value.pointee)
    }
}

/// A continuation whose hand-over the sanitizer sees.
///
/// Swift's runtime reports a resumption to the sanitizer if the task already waits, but not if the resumption comes first.
struct CheckedContinuation<Value, Failure: Error>: Sendable {
    fileprivate let whole: _Concurrency.CheckedContinuation<Value, Failure>
    fileprivate let edge: Edge

    func resume(returning value: sending Value) {
        edge.pass()
        whole.resume(returning: value)
    }

    func resume() where Value == Void {
        edge.pass()
        whole.resume()
    }
}

func withSanitizedContinuation<Value>(
    isolation: isolated (any Actor)? = #isolation,
    function: String = #function,
    _ body: (CheckedContinuation<Value, Never>) -> Void
) async -> sending Value {
    let edge = Edge()
    let value = await _Concurrency.withCheckedContinuation(isolation: isolation, function: function) {
        body(CheckedContinuation(whole: $0, edge: edge))
    }
    edge.pass()
    return value
}

/// A synchronization point: a thread that passes it sees all writes of the threads that passed it before.
private final class Edge: Sendable {
    private let passage = Mutex<Void>(())

    func pass() {
        passage.withLock { _ in }
    }
}
