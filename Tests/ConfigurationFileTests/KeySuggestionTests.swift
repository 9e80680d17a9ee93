import Testing

@testable import ConfigurationFile

@Suite struct KeySuggestionTests {
    private static let keys = [
        "accept", "connect", "connect-timeout", "log", "log-level", "log-format", "links", "listen", "peer",
        "max-links",
    ]

    @Test(arguments: [
        ("conect", "connect"), ("conenct", "connect"), ("connnect", "connect"), ("acept", "accept"),
        ("acecpt", "accept"),
        ("log_level", "log-level"), ("Log Level", "log-level"), ("lgo", "log"), ("loglevel", "log-level"),
        ("conect-timeuot", "connect-timeout"), ("linsk", "links"), ("pear", "peer"),
        ("maxlinks", "max-links"),
    ])
    func aSlipOfTheFingerIsUnderstood(written: String, meant: String) {
        #expect(KeySuggestion.closest(to: written, among: Self.keys) == meant)
    }

    @Test(arguments: ["", "x", "certificate", "foo", "verify", "pg", String(repeating: "connect", count: 20)])
    func anUnrelatedWordSuggestsNothing(written: String) {
        #expect(KeySuggestion.closest(to: written, among: Self.keys) == nil)
    }

    @Test func theClosestOfSeveralIsTaken() {
        #expect(KeySuggestion.closest(to: "abcdef", among: ["abcdxy", "abcdex", "abcdey"]) == "abcdex")
    }

    @Test(arguments: [
        ("", "", 0), ("a", "", 1), ("", "ab", 2), ("ab", "ba", 1), ("abc", "abc", 0), ("abc", "acb", 1),
        ("ca", "abc", 3),
        ("kitten", "sitting", 3),
    ])
    func distanceCountsSlips(left: String, right: String, expected: Int) {
        #expect(KeySuggestion.distance(Array(left), Array(right)) == expected)
        #expect(KeySuggestion.distance(Array(right), Array(left)) == expected)
    }
}
