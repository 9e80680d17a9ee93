import Basics
import EventIO

/// The rules for single values that several parts of a configuration share.
extension ConfigurationCheck {
    static let nameRule = "a name has 1 to 64 bytes of `a-z A-Z 0-9 . _ -`"

    mutating func check(_ value: Int, in range: ClosedRange<Int>, _ part: Part, _ setting: Setting) {
        guard !range.contains(value) else { return }
        report(part, setting, .count(value, outside: range))
    }

    mutating func check(bytes: Int, in range: ClosedRange<Int>, _ part: Part, _ setting: Setting) {
        guard !range.contains(bytes) else { return }
        report(part, setting, .bytes(bytes, outside: range))
    }

    mutating func check(_ value: Duration, in range: ClosedRange<Duration>, _ part: Part, _ setting: Setting)
    {
        guard range.contains(value) else {
            report(part, setting, .duration(value, outside: range))
            return
        }
        // Timers and the text form have a resolution of 1 ms: anything finer would be lost silently.
        if value.components.attoseconds % 1_000_000_000_000_000 != 0 {
            report(part, setting, "a time is a whole number of milliseconds")
        }
    }

    mutating func check(path: String, _ part: Part, _ setting: Setting) {
        if path.isEmpty {
            report(part, setting, "the path is empty")
        } else if path.utf8.count > Self.maxPath {
            report(part, setting, "the path has more than \(Self.maxPath) bytes")
        } else if path.unicodeScalars.contains(where: \.isMisleading) {
            report(part, setting, "the path contains an invisible character")
        }
    }

    mutating func checkDialled(
        _ endpoints: [Endpoint],
        _ part: Part,
        _ setting: Setting,
        _ emptyMessage: String
    ) {
        check(endpoints, part, setting, emptyMessage)
        for (position, endpoint) in endpoints.enumerated() {
            guard case .tcp(let host, let port) = endpoint, host.isEmpty || port == 0 else { continue }
            report(
                part,
                setting,
                at: position,
                "`\(endpoint)` cannot be dialled",
                hint: "write a host and a port: `HOST:PORT`"
            )
        }
    }

    mutating func check(_ endpoints: [Endpoint], _ part: Part, _ setting: Setting, _ emptyMessage: String?) {
        if endpoints.isEmpty, let emptyMessage {
            report(part, setting, emptyMessage)
        }
        for (position, endpoint) in endpoints.enumerated() {
            // An endpoint that code has created may hold anything; parsing its text form shows whether it is valid.
            let canonical = try? Endpoint(parsing: endpoint.description, for: .listening(barePortHost: ""))
            if canonical != endpoint {
                report(part, setting, at: position, "this is not an address in its canonical form")
            }
        }
    }

    /// `PATH_MAX` of Linux, minus the NUL.
    private static let maxPath = 4095
}
