import Foundation
import Glibc
import Synchronization
import Testing

@testable import TunnelCommand

@Suite struct LogDestinationTests {
    @Test func whatTheSystemDoesNotTakeIsCountedAndToldWhenItTakesMore() async throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/log"
        // Every write to this descriptor fails as on a full disk, until `dup2` replaces it with a file.
        let descriptor = open("/dev/full", O_WRONLY | O_CLOEXEC)
        try #require(descriptor >= 0)
        defer { close(descriptor) }
        let log = try LogDestination(descriptor: descriptor, isOwned: false)
        for number in 0..<3 { log.write("lost \(number)") }
        while log.lostLines < 3 { try await Task.sleep(for: .milliseconds(1)) }
        let file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        try #require(file >= 0)
        try #require(dup2(file, descriptor) == descriptor)
        close(file)
        log.write("there again")
        log.write("and more")
        #expect(log.finish(within: .seconds(60)))
        #expect(
            try String(contentsOfFile: path, encoding: .utf8)
                == "… 3 lines were lost: No space left on device\nthere again\nand more\n"
        )
        #expect(log.lostLines == 0)
    }

    @Test func whatNobodyReadsIsCountedAndEverybodyGoesOn() throws {
        var ends: [Int32] = [-1, -1]
        try #require(pipe(&ends) == 0)
        defer { close(ends[0]) }
        let log = try LogDestination(descriptor: ends[1], isOwned: false)
        let line = String(repeating: "x", count: 1023)
        // The pipe holds 64 KiB and the queue 2 MiB; these lines are more.
        let count = 4000
        for _ in 0..<count { log.write(line) }
        let reading = Thread { [ends] in
            var bytes = [UInt8](repeating: 0, count: 65536)
            var text: [UInt8] = []
            while true {
                let count = Glibc.read(ends[0], &bytes, bytes.count)
                guard count > 0 else { break }
                text += bytes[..<count]
            }
            LogDestinationTests.found.withLock { $0 = String(decoding: text, as: UTF8.self) }
        }
        reading.start()
        #expect(log.finish(within: .seconds(60)))
        close(ends[1])
        while Self.found.withLock({ $0 }) == nil { usleep(1000) }
        let text = try #require(Self.found.withLock { $0 })
        let lines = text.split(separator: "\n")
        let note = try #require(lines.first { $0.hasPrefix("…") })
        let lost = try #require(Int(note.split(separator: " ")[1]))
        #expect(note == "… \(lost) lines were lost: the log is not read")
        #expect(lost + lines.count - 1 == count)
        #expect(lines.allSatisfy { $0 == line || $0 == note })
    }

    private static let found = Mutex<String?>(nil)
}
