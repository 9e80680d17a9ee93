package import Basics

extension Instant {
    /// The moment `count` seconds after the clock's start.
    package static func seconds(_ count: Int) -> Instant {
        start.advanced(by: .seconds(count))
    }

    /// The moment `count` milliseconds after the clock's start.
    package static func milliseconds(_ count: Int) -> Instant {
        start.advanced(by: .milliseconds(count))
    }

    package static func + (moment: Instant, duration: Duration) -> Instant {
        moment.advanced(by: duration)
    }

    package static func - (moment: Instant, duration: Duration) -> Instant {
        Instant(nanoseconds: moment.nanoseconds - duration.wholeNanoseconds)
    }
}
