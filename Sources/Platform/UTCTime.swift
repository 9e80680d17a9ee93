/// Dates and times of day in UTC.
package enum UTCTime {
    /// The date and the time of day of a moment, `2026-01-31T12:34:56`.
    ///
    /// - Parameter seconds: seconds since 1970-01-01 00:00 UTC; a moment that the C library cannot represent is written as 0.
    /// - Returns: the date, a `T` and the time of day, in 19 bytes as long as the year has four digits.
    package static func text(_ seconds: Int) -> String {
        var moment = time_t(seconds)
        var parts = tm()
        if gmtime_r(&moment, &parts) == nil {
            moment = 0
            gmtime_r(&moment, &parts)
        }
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 32) { text in
            let count = strftime(text.baseAddress, text.count, "%Y-%m-%dT%H:%M:%S", &parts)
            return String(decoding: UnsafeRawBufferPointer(text)[..<count], as: UTF8.self)
        }
    }
}
