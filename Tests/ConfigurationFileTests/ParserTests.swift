import Testing

@testable import ConfigurationFile

@Suite struct ParserTests {
    private func parse(_ text: String) -> (document: Document, diagnostics: [Diagnostic]) {
        Parser.parse(SourceFile(name: "t.conf", text: text))
    }

    private func messages(_ text: String) -> [String] {
        parse(text).diagnostics.map { "\($0.location?.description ?? "-") \($0.message)" }
    }

    @Test func sectionsKeepTheirOrderAndTheirEntries() {
        let (document, diagnostics) = parse(
            """
            workers = 2
            [server]
            listen = :1
            listen = :2, :3
            # [comment]
            [Route  Web]
            ACCEPT = 127.0.0.1:80
            """
        )
        #expect(diagnostics.isEmpty)
        #expect(document.globals.map(\.key) == ["workers"])
        #expect(document.sections.map(\.kind) == ["server", "route"])
        #expect(document.sections.map(\.name) == [nil, "Web"])
        #expect(document.sections[0].entries.map(\.key) == ["listen", "listen"])
        #expect(document.sections[0].entries.map { $0.value.items.map(\.text) } == [[":1"], [":2", ":3"]])
        #expect(document.sections[1].entries.map(\.key) == ["accept"])
    }

    @Test func everythingKnowsItsPlace() throws {
        let (document, _) = parse("\n  [route web]\n\tpeer =  \"office\"  # why\n")
        let section = try #require(document.sections.first)
        #expect(section.location.description == "t.conf:2:3")
        #expect(section.location.length == 11)
        #expect(section.kindLocation.description == "t.conf:2:4")
        #expect(section.nameLocation?.description == "t.conf:2:10")
        let entry = try #require(section.entries.first)
        #expect(entry.keyLocation.description == "t.conf:3:2")
        #expect(entry.keyLocation.length == 4)
        #expect(entry.value.location.description == "t.conf:3:10")
        #expect(entry.value.location.length == 8)
    }

    @Test func aByteOrderMarkAndCarriageReturnsArePassedOver() {
        let (document, diagnostics) = parse("\u{FEFF}[server]\r\nlisten = :1\r\n")
        #expect(diagnostics.isEmpty)
        #expect(document.sections.first?.location.column == 1)
        #expect(document.sections.first?.entries.first?.value.single?.text == ":1")
    }

    @Test func aValueIsOneTextOrAList() throws {
        let entries = parse(#"a = x, y" \#nb = "x", y\#nc = x,y # z\#nd =\#ne = "x, y"#).document.globals
        #expect(entries.map(\.value.single?.text) == ["x, y\"", nil, "x,y", nil, "x, y"])
        #expect(entries.map { $0.value.items.count } == [2, 2, 2, 0, 1])
        #expect(entries[3].value.location.description == "t.conf:4:4")
    }

    @Test func everyFaultIsToldNotOnlyTheFirst() {
        #expect(
            messages(
                """
                connect 127.0.0.1:80
                = value
                [
                []
                [a b c d]
                [route web
                [server] x
                a = "b
                """
            ) == [
                "t.conf:1:1 `=` is missing behind `connect`",
                "t.conf:2:1 a value without a key",
                "t.conf:3:2 `]` is missing",
                "t.conf:3:1 a section without a kind",
                "t.conf:4:1 a section without a kind",
                "t.conf:5:6 a section has one name",
                "t.conf:6:11 `]` is missing",
                "t.conf:7:10 text behind the section",
                "t.conf:8:5 this quote is not closed",
            ]
        )
    }

    @Test func whatCanBeGuessedIsReadAllTheSame() {
        let (document, _) = parse("[route web\naccept 127.0.0.1:80")
        #expect(document.sections.first?.name == "web")
        #expect(document.sections.first?.entries.first?.value.single?.text == "127.0.0.1:80")
    }

    @Test func aMissingEqualsSignIsPutInByTheHint() {
        #expect(parse("accept   1, 2 # x").diagnostics.first?.hint == "write `accept = 1, 2`")
        #expect(parse("accept").diagnostics.first?.hint == "write `accept = VALUE`")
    }

    @Test func whatIsNotUTF8IsAFaultAtItsPlace() {
        let bytes = Array("a = ü".utf8) + [0x0A, 0x62, 0x3D, 0xFF, 0x0A, 0xC3, 0x28]
        let diagnostics = Parser.parse(SourceFile(name: "t.conf", bytes: bytes)).diagnostics
        #expect(diagnostics.prefix(2).map(\.message) == ["this is not UTF-8", "this is not UTF-8"])
        #expect(diagnostics.prefix(2).map(\.location?.description) == ["t.conf:2:3", "t.conf:3:1"])
    }

    @Test(arguments: [
        ("a = b\u{0}c", "t.conf:1:6 the character U+0000 cannot be seen"),
        ("a = b\u{1B}[2J", "t.conf:1:6 the character U+001B cannot be seen"),
        ("a\u{A0}= b", "t.conf:1:2 the character U+00A0 cannot be seen"),
        ("a = \u{202E}b", "t.conf:1:5 the character U+202E cannot be seen"),
        ("a = b\rc = d", "t.conf:1:6 the character U+000D cannot be seen"),
        ("a = \u{E0041}b", "t.conf:1:5 the character U+E0041 cannot be seen"),
    ])
    func aCharacterThatCannotBeSeenIsAFault(text: String, message: String) {
        #expect(messages(text).first == message)
    }

    @Test func aLineMayHave4096CharactersAndNotMore() {
        let longest = "a = " + String(repeating: "é", count: 4092)
        #expect(messages(longest).isEmpty)
        #expect(messages(longest + "x") == ["t.conf:1:4097 the line has more than 4096 characters"])
    }

    @Test func aFileMayHaveAMebibyteAndNotMore() {
        let line = [UInt8](repeating: UInt8(ascii: "#"), count: 1023) + [UInt8(ascii: "\n")]
        let longest = [[UInt8]](repeating: line, count: 1024).flatMap(\.self)
        #expect(Parser.parse(SourceFile(name: "t.conf", bytes: longest)).diagnostics.isEmpty)
        let (document, diagnostics) = Parser.parse(SourceFile(name: "t.conf", bytes: longest + [0x5B]))
        #expect(document.sections.isEmpty)
        #expect(!document.isWhole)
        #expect(diagnostics.map(\.message) == ["the file has more than 1 MiB"])
    }

    @Test func aFileMayHave65536LinesAndNotMore() {
        let longest = String(repeating: "\n", count: 65535)
        #expect(messages(longest).isEmpty)
        let (document, diagnostics) = parse(longest + "\na = b")
        #expect(document.globals.isEmpty)
        #expect(!document.isWhole)
        #expect(diagnostics.map(\.message) == ["the file has more than 65536 lines"])
        #expect(diagnostics.first?.location?.line == 65537)
    }

    @Test func aFileMayHave4096SectionsAndNotMore() {
        let sections = String(repeating: "[route a]\n", count: 4096)
        #expect(messages(sections).isEmpty)
        let (document, diagnostics) = parse(sections + "[x]\na = b\n[y]\n")
        #expect(document.sections.count == 4096)
        #expect(!document.isWhole)
        #expect(document.sections.last?.entries.isEmpty == true)
        #expect(diagnostics.map(\.message) == ["the file has more than 4096 sections"])
    }
}
