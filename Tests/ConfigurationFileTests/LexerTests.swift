import Testing

@testable import ConfigurationFile

@Suite struct LexerTests {
    private func kinds(_ line: String) -> [Token.Kind] {
        Lexer.tokens(of: Array(line.unicodeScalars)).tokens.map(\.kind)
    }

    private func faults(_ line: String) -> [String] {
        Lexer.tokens(of: Array(line.unicodeScalars)).faults.map { "\($0.characters) \($0.message)" }
    }

    private func item(_ text: String) -> Token.Kind {
        .item(text, isQuoted: false)
    }

    @Test(arguments: ["", "   ", "\t", "# comment", "  ; comment = x", "#"])
    func aBlankLineAndACommentHaveNoTokens(line: String) {
        #expect(kinds(line).isEmpty)
        #expect(faults(line).isEmpty)
    }

    @Test func aSectionHasWordsBetweenBrackets() {
        #expect(kinds("[server]") == [.sectionStart, .word("server"), .sectionEnd])
        #expect(kinds(" [ route\tpg ] ") == [.sectionStart, .word("route"), .word("pg"), .sectionEnd])
        #expect(kinds("[a b]# why") == [.sectionStart, .word("a"), .word("b"), .sectionEnd])
        #expect(kinds("[a] b") == [.sectionStart, .word("a"), .sectionEnd, .rest])
        #expect(kinds("[a # b]") == [.sectionStart, .word("a")])
        #expect(kinds("[") == [.sectionStart])
    }

    @Test func blanksAroundKeyAndValueDoNotCount() {
        let expected: [Token.Kind] = [.key("key"), .equals, item("some value")]
        for line in ["key=some value", "  key \t = \t some value  ", "key =some value"] {
            #expect(kinds(line) == expected)
        }
    }

    @Test func onlyTheFirstEqualsSignSeparates() {
        #expect(kinds("a = b = c") == [.key("a"), .equals, item("b = c")])
        #expect(kinds("= b") == [.key(""), .equals, item("b")])
        #expect(kinds("a b = c") == [.key("a b"), .equals, item("c")])
    }

    @Test func withoutAnEqualsSignTheFirstWordIsTheKey() {
        #expect(kinds("connect 127.0.0.1:80 # why") == [.key("connect"), item("127.0.0.1:80")])
        #expect(kinds("connect") == [.key("connect")])
        #expect(kinds("connect # a = b") == [.key("connect")])
    }

    @Test func aCommentNeedsABlankBeforeIt() {
        #expect(kinds("realm = example.net#7c1f") == [.key("realm"), .equals, item("example.net#7c1f")])
        #expect(kinds("realm = example.net #7c1f") == [.key("realm"), .equals, item("example.net")])
        #expect(kinds("realm =#7c1f") == [.key("realm"), .equals, item("#7c1f")])
        #expect(kinds("realm = ;") == [.key("realm"), .equals])
    }

    @Test func quotesHoldWhatElseHasAMeaning() {
        #expect(
            kinds(##"a = " # ; , = " # why"##) == [.key("a"), .equals, .item(" # ; , = ", isQuoted: true)]
        )
        #expect(kinds(#"a = "x\"y\\z""#) == [.key("a"), .equals, .item(#"x"y\z"#, isQuoted: true)])
        #expect(kinds(#"a = """#) == [.key("a"), .equals, .item("", isQuoted: true)])
        #expect(kinds(#"a = C:\x"#) == [.key("a"), .equals, item(#"C:\x"#)])
    }

    @Test func commasSeparateItems() {
        #expect(
            kinds(#"a = one ,"two, three", ,x"#) == [
                .key("a"), .equals, item("one"), .comma, .item("two, three", isQuoted: true), .comma,
                item(""),
                .comma, item("x"),
            ]
        )
        #expect(kinds("a = ,") == [.key("a"), .equals, item(""), .comma, item("")])
    }

    @Test func aBrokenQuoteIsAFaultAndTheRestIsStillRead() {
        #expect(faults(#"a = "x"#) == ["4..<5 this quote is not closed"])
        #expect(kinds(#"a = "x"#) == [.key("a"), .equals, .item("x", isQuoted: true)])
        #expect(faults(#"a = x"y"#) == ["5..<6 a quote in the middle of a value"])
        #expect(faults(#"a = "x" y, z"#) == ["8..<9 text behind the closing quote"])
        #expect(kinds(#"a = "x" y, z"#).last == item("z"))
        #expect(faults(#"a = "x\n""#) == ["6..<8 a backslash in quotes stands before `\"` or `\\`"])
        #expect(faults(#"a = "x\"#).count == 2)
    }

    @Test func tokensKnowWhereTheyStand() {
        let tokens = Lexer.tokens(of: Array("  ké = a , \"b\"".unicodeScalars)).tokens
        #expect(tokens.map(\.characters) == [2..<4, 5..<6, 7..<8, 9..<10, 11..<14])
    }
}
