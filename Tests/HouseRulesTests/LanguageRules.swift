import Testing

/// The words of docs/STYLE.md, as far as a machine can check them.
@Suite struct LanguageRules {
    /// A pattern that the project does not write, and what it writes instead.
    struct Ban: Sendable, CustomTestStringConvertible {
        let pattern: String
        let instead: String
        /// Whether case matters: in names it does.
        var isCaseSensitive = false

        var testDescription: String { pattern }

        var regex: Regex<AnyRegexOutput> {
            get throws {
                let regex = try Regex(pattern).asciiOnlyWordCharacters()
                return isCaseSensitive ? regex : regex.ignoresCase()
            }
        }
    }

    static let bans: [Ban] = [
        Ban(pattern: #"\bwho(m)?ever\b"#, instead: "name the actor: the user, the client, anyone who"),
        Ban(pattern: #"\b(nobody|somebody|anybody|everybody)'s\b"#, instead: "name the owner"),
        Ban(pattern: #"\bso (many|much) \w+s\b"#, instead: "this number of, or: a limited number of"),
        Ban(pattern: #"\banew\b"#, instead: "again"),
        Ban(pattern: #"\bby and by\b"#, instead: "gradually"),
        Ban(pattern: #"\bin vain\b"#, instead: "without effect"),
        Ban(
            pattern: #"\b(lest|whence|thereupon|henceforth)\b"#,
            instead: "so that … not, from where, then, from then on"
        ),
        Ban(pattern: #"\bis dear\b"#, instead: "is expensive"),
        Ban(pattern: #"greeter"#, instead: "link acceptor"),
        Ban(pattern: #"\bstrangers?\b"#, instead: "unauthenticated client"),
        Ban(pattern: #"\bsigns? of life\b"#, instead: "liveness check, or: bytes from the peer"),
        Ban(pattern: #"\bwithout a word\b"#, instead: "by peer: connection closed by peer"),
        Ban(pattern: #"\bturned away\b"#, instead: "rejected"),
        Ban(pattern: #"\bcrumbs?\b"#, instead: "short record"),
        Ban(pattern: #"\blawful\b"#, instead: "clamped, or: allowed"),
        Ban(pattern: #"unhurried"#, instead: "piggybacked"),
        Ban(pattern: #"\bhaste\b"#, instead: "reconnect budget"),
        Ban(pattern: #"\bcrowds?\b"#, instead: "many streams"),
        Ban(pattern: #"\bdesks?\b"#, instead: "console target"),
        Ban(pattern: #"\b(waiting|waits?) awake\b"#, instead: "busy polling"),
        Ban(pattern: #"\bgood news\b"#, instead: "say which message"),
        Ban(
            pattern: #"\b(is|are|was|were) told\b"#,
            instead: "name the sender and the message: the server sends GOAWAY"
        ),
        Ban(
            pattern: #"///? (Who|What|How) [^?]*$"#,
            instead: "begin with the thing or its verb",
            isCaseSensitive: true
        ),
        Ban(pattern: #"\b(most|least|longest)[A-Z]\w*"#, instead: "max…, min…", isCaseSensitive: true),
    ]

    /// The page that shows the bad examples, and this file.
    private static let exempt = ["docs/STYLE.md", "Tests/HouseRulesTests/LanguageRules.swift"]

    @Test(arguments: bans)
    func noTextUses(_ ban: Ban) throws {
        let regex = try ban.regex
        for file in Project.texts where !Self.exempt.contains(file.path) {
            for (number, line) in file.lines.enumerated() where line.contains(regex) {
                let text = line.trimmingPrefix(while: \.isWhitespace)
                Issue.record("\(file.path):\(number + 1): \(text) — write instead: \(ban.instead)")
            }
        }
    }
}
