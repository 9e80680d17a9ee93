import Glibc
import ProtocolCore
import ProtocolCoreTesting
import Synchronization

/// Runs random schedules of two sessions that lose links on the way, on all processors.
///
/// It stops at the first schedule that fails a check. `Soak 1000000` runs a million schedules; `Soak 100000 5000000`
/// starts with seed 5000000; `Soak 1 4711` runs only the schedule of seed 4711.
@main
struct Soak {
    static func main() {
        let numbers = CommandLine.arguments.dropFirst().map { UInt64($0) ?? 0 }
        guard (1...2).contains(numbers.count), let count = numbers.first, count > 0 else {
            print("usage: Soak COUNT [FIRST-SEED]")
            exit(64)
        }
        let first = numbers.count > 1 ? numbers[1] : 1
        print("\(count) schedules from seed \(first) on")
        let faults = run(count, from: first)
        for fault in faults { print(fault) }
        exit(faults.isEmpty ? 0 : 1)
    }

    private static func run(_ count: UInt64, from first: UInt64) -> [String] {
        let work = Work(first: first, end: first + count)
        let threads = (0..<max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))).map { _ in
            var thread = pthread_t()
            let pointer = Unmanaged.passRetained(work).toOpaque()
            pthread_create(
                &thread,
                nil,
                { pointer in
                    guard let pointer else { return nil }
                    Unmanaged<Work>.fromOpaque(pointer).takeRetainedValue().run()
                    return nil
                },
                pointer
            )
            return thread
        }
        for thread in threads { pthread_join(thread, nil) }
        let (lost, resumed) = (
            work.lost.load(ordering: .relaxed), work.resumed.load(ordering: .relaxed)
        )
        print("\(lost) links were lost, and sessions taken to another one \(resumed) times")
        return work.faults.withLock { $0 }
    }
}

/// The seeds that have not run yet, and the faults of those that have.
private final class Work: Sendable {
    let faults = Mutex<[String]>([])
    let lost = Atomic<Int>(0)
    let resumed = Atomic<Int>(0)
    private let next: Atomic<UInt64>
    private let end: UInt64

    init(first: UInt64, end: UInt64) {
        next = Atomic(first)
        self.end = end
    }

    func run() {
        while true {
            let seed = next.wrappingAdd(1, ordering: .relaxed).oldValue
            guard seed < end, faults.withLock({ $0.isEmpty }) else { return }
            let problems = check(seed)
            guard !problems.isEmpty else { continue }
            faults.withLock { $0.append("seed \(seed): \(problems.joined(separator: "; "))") }
        }
    }

    private func check(_ seed: UInt64) -> [String] {
        let pool = BlockPool()
        do {
            var schedule = try RandomSchedule(seed: seed, pool: pool, ciphers: checksumCiphers)
            let problems = schedule.run()
            for end in [schedule.link.client, schedule.link.server] {
                lost.add(end.losses.count, ordering: .relaxed)
                resumed.add(end.resumptions, ordering: .relaxed)
            }
            return problems
        } catch {
            return ["it could not begin: \(error)"]
        }
    }
}
