import Testing

@testable import ConfigurationFile

@Suite struct ValueDecodingTests {
    @Test(arguments: [
        ("yes", true), ("ON", true), ("True", true), ("no", false), ("off", false), ("false", false),
    ])
    func yesAndNoHaveThreeSpellingsEach(text: String, expected: Bool) throws {
        #expect(try ValueDecoding.yesOrNo(text) == expected)
    }

    @Test(arguments: ["", "1", "0", "y", "yess", "yes "])
    func whatIsNeitherYesNorNoIsRefused(text: String) {
        #expect(throws: ValueFault("`\(text)` is neither yes nor no", hint: "write `yes` or `no`")) {
            try ValueDecoding.yesOrNo(text)
        }
    }

    @Test func integersAreDigitsOnly() throws {
        #expect(try ValueDecoding.integer("0") == 0)
        #expect(try ValueDecoding.integer("9223372036854775807") == .max)
        for text in ["", "-1", "+1", "1.0", "0x10", "1e3", "١", "9223372036854775808", "1_000"] {
            #expect(throws: ValueFault.self, "\(text)") { try ValueDecoding.integer(text) }
        }
    }

    @Test func aWordIsFoundWhateverItsCase() throws {
        #expect(try ValueDecoding.word("RR", of: ["prio", "rr"]) == 1)
        #expect(throws: ValueFault("`pro` is not one of `prio`, `rr`", hint: "did you mean `prio`?")) {
            try ValueDecoding.word("pro", of: ["prio", "rr"])
        }
        #expect(
            throws: ValueFault("`random` is not a value of this key", hint: "the values are `prio`, `rr`")
        ) {
            try ValueDecoding.word("random", of: ["prio", "rr"])
        }
    }

    @Test func aPairIsCutAtItsOnlySlash() throws {
        #expect(try ValueDecoding.pair("15s / 45s") == ("15s", "45s"))
        #expect(try ValueDecoding.pair("15s") == ("15s", nil))
        #expect(try ValueDecoding.pair("/") == ("", ""))
        #expect(throws: ValueFault.self) { try ValueDecoding.pair("1/2/3") }
    }
}

@Suite struct DurationTextTests {
    @Test(arguments: [
        ("0s", Duration.zero), ("500ms", .milliseconds(500)), ("10s", .seconds(10)), ("5m", .seconds(300)),
        ("2h", .seconds(7200)), ("1d", .seconds(86400)), ("007S", .seconds(7)),
    ])
    func aDurationIsANumberAndAUnit(text: String, expected: Duration) throws {
        #expect(try DurationText.parse(text) == expected)
    }

    @Test(arguments: [
        ("10", "`10` has no unit", "for seconds write `10s`, for milliseconds `10ms`"),
        ("1.5s", "`1.5s` is not a whole number", "take the next smaller unit, as in `1500ms` for 1.5 s"),
        ("10 s", "`10 s` is not a duration", "the units are `ms`, `s`, `m`, `h` and `d`, as in `10s`"),
        ("1h30m", "`1h30m` is not a duration", "the units are `ms`, `s`, `m`, `h` and `d`, as in `10s`"),
        ("soon", "`soon` is not a duration", "write a number and a unit, as in `10s`"),
        ("", "`` is not a duration", "write a number and a unit, as in `10s`"),
        ("-1s", "`-1s` is not a duration", "write a number and a unit, as in `10s`"),
        ("off", "`off` is not a duration", "write a number and a unit, as in `10s`"),
        ("9223372036854775807d", "`9223372036854775807d` is too long", nil),
        ("99999999999999999999ms", "`99999999999999999999ms` is too long", nil),
    ])
    func whatIsNotADurationSaysWhy(text: String, message: String, hint: String?) {
        #expect(throws: ValueFault(message, hint: hint)) { try DurationText.parse(text) }
    }

    @Test func offIsNoDurationWhereItIsAllowed() throws {
        #expect(try DurationText.parseOrOff("OFF") == nil)
        #expect(try DurationText.parseOrOff("1s") == .seconds(1))
    }

    @Test func theTextOfADurationIsTheShortestAndIsReadBack() throws {
        #expect(DurationText.text(.zero) == "0s")
        #expect(DurationText.text(.milliseconds(1500)) == "1500ms")
        #expect(DurationText.text(.seconds(90)) == "90s")
        #expect(DurationText.text(.seconds(3600)) == "1h")
        #expect(DurationText.text(nil) == "off")
        for milliseconds: Int64 in [1, 999, 1000, 59_999, 60_000, 86_400_000, .max] {
            let duration = Duration.milliseconds(milliseconds)
            #expect(try DurationText.parse(DurationText.text(duration)) == duration)
        }
        // Larger and smaller than every allowed range: no trap.
        #expect(!DurationText.text(Duration(secondsComponent: .max, attosecondsComponent: 0)).isEmpty)
        #expect(!DurationText.text(.seconds(-1)).isEmpty)
    }
}

@Suite struct ByteSizeTextTests {
    @Test(arguments: [
        ("0", 0), ("512", 512), ("512B", 512), ("64KiB", 65536), ("64kib", 65536), ("4MiB", 4 << 20),
        ("1GiB", 1 << 30),
        ("1TiB", 1 << 40), ("64kB", 64000), ("4MB", 4_000_000), ("2GB", 2_000_000_000),
        ("1TB", 1_000_000_000_000),
    ])
    func aSizeIsInPowersOf1024OrOf1000(text: String, expected: Int) throws {
        #expect(try ByteSizeText.parse(text) == expected)
    }

    @Test(arguments: [
        ("64K", "`64K` can mean powers of 1024 or of 1000", "write `64KiB` or `64kB`"),
        ("4m", "`4m` can mean powers of 1024 or of 1000", "write `4MiB` or `4MB`"),
        ("", "`` is not a size", "write a number and a unit, as in `64KiB`"),
        ("KiB", "`KiB` is not a size", "write a number and a unit, as in `64KiB`"),
        (
            "1.5MiB", "`1.5MiB` is not a size",
            "the units are `KiB`, `MiB`, `GiB`, `TiB`, and `kB`, `MB`, `GB`, `TB`"
        ),
        ("9223372036854775807KiB", "`9223372036854775807KiB` is too large", nil),
        ("99999999999999999999", "`99999999999999999999` is too large", nil),
    ])
    func whatIsNotASizeSaysWhy(text: String, message: String, hint: String?) {
        #expect(throws: ValueFault(message, hint: hint)) { try ByteSizeText.parse(text) }
    }

    @Test func theTextOfASizeIsTheShortestAndIsReadBack() throws {
        #expect(ByteSizeText.text(0) == "0")
        #expect(ByteSizeText.text(65536) == "64KiB")
        #expect(ByteSizeText.text(65537) == "65537")
        for bytes in [1, 1023, 1024, 1025, 16 << 20, 3 << 40, .max] {
            #expect(try ByteSizeText.parse(ByteSizeText.text(bytes)) == bytes)
        }
    }

    @Test func aShareIsPercentOrASize() throws {
        #expect(try ByteShare(parsing: "25%") == .percent(25))
        #expect(try ByteShare(parsing: "64MiB") == .bytes(64 << 20))
        #expect(ByteShare.percent(100).bytes(of: .max) <= .max)
        #expect(ByteShare.percent(25).bytes(of: 1000) == 250)
        for text in ["0%", "101%", "%", "2.5%", "-1%", "99999999999999999999%"] {
            #expect(
                throws: ValueFault(
                    "`\(text)` is not a share",
                    hint: "write a whole number from 1 to 100 and `%`"
                )
            ) {
                try ByteShare(parsing: text)
            }
        }
    }
}
