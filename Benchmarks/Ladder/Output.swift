import Glibc

/// Writes results to standard output, and progress to standard error if that is a terminal.
enum Output {
    static func line(_ text: String) {
        print(text)
    }

    static func progress(_ text: String) {
        guard isatty(STDERR_FILENO) == 1 else { return }
        let bytes = Array("\(text)\n".utf8)
        write(STDERR_FILENO, bytes, bytes.count)
    }
}

/// The processor time of this process and all its threads.
struct ProcessTime {
    private let nanoseconds: Int

    static var now: ProcessTime {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return ProcessTime(nanoseconds: time.tv_sec * 1_000_000_000 + time.tv_nsec)
    }

    static func - (later: ProcessTime, earlier: ProcessTime) -> Duration {
        .nanoseconds(later.nanoseconds - earlier.nanoseconds)
    }
}

extension Duration {
    var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}

extension Double {
    /// The number with three digits after the decimal point.
    var short: String {
        let thousandths = Int((self * 1000).rounded())
        let digits = "\(abs(thousandths) % 1000)"
        return (thousandths < 0 ? "-" : "") + "\(abs(thousandths) / 1000)."
            + String(repeating: "0", count: 3 - digits.utf8.count) + digits
    }
}
