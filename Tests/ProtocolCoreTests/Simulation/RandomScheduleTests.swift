import ProtocolCoreTesting
import Testing

@testable import ProtocolCore

/// Ten thousand runs of two sessions, each determined by a seed.
///
/// `SEED=1234 swift test --filter RandomScheduleTests` runs one of them.
@Suite struct RandomScheduleTests {
    @Test(arguments: 0..<20) func aRandomScheduleViolatesNoInvariant(group: Int) throws {
        let seeds = Seeds.some(Self.count)
        for seed in seeds where seed % 20 == UInt64(group) {
            let pool = BlockPool()
            let problems = try Self.problems(seed, pool)
            #expect(problems.isEmpty, "SEED=\(seed)")
            #expect(pool.lentBytes == 0, "SEED=\(seed)")
        }
    }

    private static let count = 10_000

    private static func problems(_ seed: UInt64, _ pool: BlockPool) throws -> [String] {
        var schedule = try RandomSchedule(seed: seed, pool: pool)
        return schedule.run()
    }
}
