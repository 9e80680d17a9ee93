import Basics
import Testing

@testable import ConfigurationFile

@Suite struct DiagnosticTests {
    private func location(
        _ text: String,
        line: Int = 1,
        _ characters: Range<Int>
    ) -> ConfigurationFile.SourceLocation {
        ConfigurationFile.SourceLocation(
            file: SourceFile(name: "tunnel.conf", text: text),
            line: line,
            characters: characters
        )
    }

    @Test func aDiagnosticShowsTheLineTheCaretAndTheHint() {
        let text = String(repeating: "\n", count: 11) + "conect = 127.0.0.1:5432"
        let diagnostic = Diagnostic(
            .error,
            at: location(text, line: 12, 0..<6),
            "unknown key `conect`",
            hint: "did you mean `connect`?"
        )
        #expect(
            diagnostic.description == """
                tunnel.conf:12:1: error: unknown key `conect`
                12 | conect = 127.0.0.1:5432
                   | ^~~~~~
                   = hint: did you mean `connect`?
                """
        )
    }

    @Test func aDiagnosticWithoutAPlaceHasNoExcerpt() {
        #expect(Diagnostic(.warning, at: nil, "nothing to do").description == "warning: nothing to do")
        #expect(
            Diagnostic(.error, at: nil, "nothing to do", hint: "add something").description
                == "error: nothing to do\n = hint: add something"
        )
    }

    @Test func notesShowTheirOwnLines() {
        let text = "[route a]\n[route a]"
        let diagnostic = Diagnostic(
            .error,
            at: location(text, line: 2, 7..<8),
            "two routes are called `a`",
            notes: [.init(at: location(text, line: 1, 7..<8), "the first is here")]
        )
        #expect(
            diagnostic.description == """
                tunnel.conf:2:8: error: two routes are called `a`
                2 | [route a]
                  |        ^
                tunnel.conf:1:8: note: the first is here
                1 | [route a]
                  |        ^
                """
        )
    }

    @Test func theCaretIsBelowItsCharacterBehindTabsAccentsAndWideLetters() {
        let excerpt = { (text: String, characters: Range<Int>) in
            Diagnostic(.error, at: location(text, characters), "x").description.split(separator: "\n").suffix(
                2
            )
        }
        #expect(excerpt("\ta = \tb", 6..<7) == ["1 | \ta = \tb", "  | \t    \t^"])
        #expect(excerpt("é = b", 4..<5) == ["1 | é = b", "  |     ^"])
        #expect(excerpt("e\u{301} = b", 5..<6) == ["1 | e\u{301} = b", "  |     ^"])
        #expect(excerpt("名 = b", 4..<5) == ["1 | 名 = b", "  |      ^"])
        #expect(excerpt("a = 名前", 4..<6) == ["1 | a = 名前", "  |     ^~~~"])
    }

    @Test func aPlaceAtTheEndOfALineHasACaretBehindIt() {
        #expect(
            Diagnostic(.error, at: location("[route a", 8..<8), "x").description
                == "tunnel.conf:1:9: error: x\n1 | [route a\n  |         ^"
        )
        #expect(
            Diagnostic(.error, at: location("", 0..<0), "x").description
                == "tunnel.conf:1:1: error: x\n1 |\n  | ^"
        )
    }

    @Test func aLongLineIsCutAroundThePlace() {
        let text = String(repeating: "a", count: 500) + "X" + String(repeating: "b", count: 500)
        let lines = Diagnostic(.error, at: location(text, 500..<501), "x").description.split(separator: "\n")
        let shown = String(repeating: "a", count: 40) + "X" + String(repeating: "b", count: 79)
        #expect(lines[1] == "1 | … \(shown) …")
        #expect(lines[2] == "  |   " + String(repeating: " ", count: 40) + "^")
    }

    @Test func nothingFromAFileActsOnTheTerminal() {
        let diagnostic = Diagnostic(
            .error,
            at: location("a = \u{1B}[2J\u{202E}", 0..<1),
            "unknown \u{1B}[2J",
            hint: "not \u{7}"
        )
        #expect(diagnostic.description.unicodeScalars.allSatisfy { $0 == "\n" || !$0.isInvisible })
    }

    @Test func aConcealedLineEndsBeforeTheSecret() {
        let diagnostic = Diagnostic(
            .error,
            at: location("password = canary", 0..<8),
            "no passwords here",
            concealedFrom: 11
        )
        #expect(
            diagnostic.description == """
                tunnel.conf:1:1: error: no passwords here
                1 | password =(not shown)
                  | ^~~~~~~~
                """
        )
    }

    @Test func diagnosticsAreSortedByFileLineAndColumnAndToldOnce() {
        let first = SourceFile(name: "b.conf", ordinal: 0, text: "x\ny\nz")
        let second = SourceFile(name: "a.conf", ordinal: 1, text: "x")
        let make = { (file: SourceFile, line: Int, column: Int) in
            Diagnostic(
                .error,
                at: ConfigurationFile.SourceLocation(
                    file: file,
                    line: line,
                    characters: column..<(column + 1)
                ),
                "x"
            )
        }
        let sorted = [
            make(second, 1, 0), make(first, 3, 0), make(first, 2, 1), make(first, 2, 0), make(first, 2, 1),
            Diagnostic(.error, at: nil, "x"),
        ].sortedByPlace()
        #expect(
            sorted.map(\.location?.description) == [
                nil, "b.conf:2:1", "b.conf:2:2", "b.conf:3:1", "a.conf:1:1",
            ]
        )
    }
}
