import ProtocolCoreTesting
import Testing
import Vocabulary

@testable import ProtocolCore

/// A frame that breaks a rule ends the session with the code of that rule and has no other effect.
@Suite struct FrameRulesTests {
    /// A server with streams in all states.
    ///
    /// The client opened streams 1, 3, 5 and 7: 1 is open, the client finished 3, the server released 5, and the server reset
    /// 7 but has not released it. The server opened 2 and 4, and has released 4.
    private func bench() throws -> SessionBench {
        let bench = try SessionBench()
        try bench.say(Say.open(1) + Say.open(3) + Say.open(5) + Say.open(7) + Say.data(3, [1], end: true))
        #expect(try bench.open().id.rawValue == 2)
        let gone = try bench.open()
        bench.session.release(try bench.handle(5), at: bench.now)
        bench.session.reset(try bench.handle(7), .cancelled, at: bench.now)
        bench.session.release(gone, at: bench.now)
        _ = try bench.takeRecords()
        bench.forgetEvents()
        return bench
    }

    private func expect(_ code: CloseCode, for plaintexts: [(String, [UInt8])]) throws {
        for (name, plaintext) in plaintexts {
            let bench = try bench()
            try bench.say(plaintext)
            try bench.expectClosed(code, "\(name)")
            #expect(bench.seen.isEmpty, "\(name)")
        }
    }

    @Test func validFramesAreAccepted() throws {
        for plaintext in [
            [0], [UInt8](repeating: 0, count: 1000), Say.open(9), Say.data(1, [1, 2]),
            Say.data(1, [], end: true),
            Say.data(5, [1]), Say.data(7, [1]), Say.data(2, [1]), Say.data(4, [1]), Say.window(0, 1 << 40),
            Say.window(1, 1 << 40), Say.window(2, .max), Say.window(5, .max), Say.reset(1), Say.reset(5),
            Say.reset(2), Say.reset(3), Say.openResult(2), Say.openResult(4, .refused(111)),
            Say.ping(1), Say.ping(77, answer: true), Say.goAway(0), Say.message(1, []),
            Say.message(1, [1, 2]),
            Say.maxStreams(20_000), Say.acknowledgement(1), frame(0x80, flags: 0xFF, stream: 9, [1, 2, 3]),
            frame(0xFF), Say.ping(1) + [0, 0, 0], Say.keyUpdate(),
        ] as [[UInt8]] {
            let bench = try bench()
            try bench.say(plaintext)
            bench.expectOpen("\(plaintext)")
        }
    }

    @Test func malformedFramesAreRefused() throws {
        var cases: [(String, [UInt8])] = [
            ("padding that is not zero", [0, 0, 1]),
            ("padding that is not zero at its end", [UInt8](repeating: 0, count: 99) + [1]),
            ("padding with a length", [0, 0, 0, 0, 0, 0, 0, 1]),
            ("longer than its record", [6, 0, 0, 8, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7]),
            ("longest", [6, 0, 0xFF, 0xFF, 0, 0, 0, 0]),
        ]
        for count in 1..<8 { cases.append(("header cut to \(count)", Array(Say.ping(1).prefix(count)))) }
        for type in UInt8(0x0E)...0x7F { cases.append(("type \(type)", frame(type))) }
        try expect(.protocolError, for: cases)
    }

    @Test func undefinedFlagsAreRefused() throws {
        let frames: [(String, [UInt8], UInt8)] = [
            ("OPEN", Say.open(9), 0), ("DATA", Say.data(1, [1]), 1), ("WINDOW", Say.window(0, 1 << 40), 0),
            ("RESET", Say.reset(1), 0), ("OPEN_RESULT", Say.openResult(2), 0),
            ("PING", Say.ping(1), 1),
            ("GOAWAY", Say.goAway(0), 0), ("CLOSE", Say.close(), 0), ("KEY_UPDATE", Say.keyUpdate(), 0),
            ("MESSAGE", Say.message(1, [1]), 7), ("MAX_STREAMS", Say.maxStreams(1 << 20), 0),
            ("ACK", Say.acknowledgement(1), 0),
        ]
        for (name, bytes, flags) in frames {
            for bit in 0..<8 where flags & (1 << UInt8(bit)) == 0 {
                try expect(
                    .protocolError,
                    for: [("\(name) with flag \(bit)", bytes.setting(1, 1 << UInt8(bit)))]
                )
            }
        }
    }

    @Test func framesOfTheWrongLengthAreRefused() throws {
        let fixed: [(String, UInt8, UInt32, Int)] = [
            ("WINDOW", 3, 0, 8), ("RESET", 4, 1, 2), ("OPEN_RESULT", 5, 2, 6), ("PING", 6, 0, 8),
            ("MAX_STREAMS", 12, 0, 4), ("ACK", 13, 0, 8),
        ]
        for (name, type, stream, length) in fixed {
            for wrong in [0, 1, length - 1, length + 1, length * 2, 1000] where wrong != length {
                let bytes = frame(type, stream: stream, [UInt8](repeating: 0, count: wrong))
                try expect(.protocolError, for: [("\(name) of \(wrong)", bytes)])
            }
        }
        try expect(
            .protocolError,
            for: [
                ("OPEN of 0", frame(1, stream: 9)), ("OPEN without a name", frame(1, stream: 9, [0])),
                ("OPEN cut", frame(1, stream: 9, [4, 0x65, 0x63])),
                ("GOAWAY of 5", frame(7, [0, 0, 0, 0, 0])),
                ("GOAWAY too long", Say.goAway(0, .none, String(repeating: "x", count: 129))),
                ("CLOSE of 0", frame(8)), ("CLOSE of 1", frame(8, [0])),
                ("CLOSE too long", Say.close(.none, String(repeating: "x", count: 129))),
                ("KEY_UPDATE of 0", frame(9)), ("KEY_UPDATE of 2", Say.keyUpdate(0, [0])),
                ("MESSAGE of 9", frame(11, [UInt8](repeating: 0, count: 9))),
            ]
        )
    }

    @Test func aFrameOfTheSessionWithAStreamNumberIsRefused() throws {
        let frames: [(String, [UInt8])] = [
            ("PING", Say.ping(1)), ("GOAWAY", Say.goAway(0)), ("CLOSE", Say.close()),
            ("KEY_UPDATE", Say.keyUpdate()), ("TICKET", Say.ticket()), ("MESSAGE", Say.message(1, [1])),
            ("MAX_STREAMS", Say.maxStreams(1 << 20)), ("ACK", Say.acknowledgement(1)),
        ]
        for (name, bytes) in frames {
            for stream in [UInt8(1), 2, 9] {
                try expect(.protocolError, for: [("\(name) on \(stream)", bytes.setting(7, stream))])
            }
        }
    }

    @Test func aFrameForAStreamThatWasNeverOpenedIsRefused() throws {
        for stream in [0, 6, 9, 11, 1 << 31, (1 << 31) + 1, .max - 1, .max] as [UInt32] {
            try expect(
                .streamState,
                for: [
                    ("DATA on \(stream)", Say.data(stream, [1])), ("RESET of \(stream)", Say.reset(stream)),
                    ("end of \(stream)", Say.data(stream, [], end: true)),
                ]
            )
            if stream != 0 {
                try expect(.streamState, for: [("WINDOW for \(stream)", Say.window(stream, 1 << 40))])
            }
            if stream % 2 == 0 {
                try expect(
                    .streamState,
                    for: [("OPEN_RESULT for \(stream)", Say.openResult(stream))]
                )
            }
        }
    }

    @Test func dataAfterTheEndOfAStreamIsRefused() throws {
        try expect(
            .streamState,
            for: [
                ("DATA", Say.data(3, [1])), ("the end again", Say.data(3, [], end: true)),
                ("empty", Say.data(3, [])),
            ]
        )
    }

    @Test func anEndOpensOnlyItsOwnStreamsOnceAndInAscendingOrder() throws {
        for stream in [0, 2, 6, 8, 1 << 31, .max - 1] as [UInt32] {
            try expect(.protocolError, for: [("OPEN of \(stream) by a client", Say.open(stream))])
        }
        for stream in [1, 3, 5, 7] as [UInt32] {
            try expect(.protocolError, for: [("OPEN of \(stream) again", Say.open(stream))])
        }
        let bench = try SessionBench(.client)
        try bench.say(Say.open(8))
        for stream in [1, 3, 6, 8] as [UInt32] {
            let bench = try SessionBench(.client)
            try bench.say(Say.open(8))
            try bench.say(Say.open(stream))
            try bench.expectClosed(.protocolError, "OPEN of \(stream) by a server")
        }
        try bench.say(Say.open(.max - 1))
        bench.expectOpen()
        #expect(bench.seen.count == 2)
    }

    @Test func openResultIsAcceptedOnceAndOnlyByTheOpeningEnd() throws {
        try expect(
            .protocolError,
            for: [1, 3, 5, 7, 9].map { ("OPEN_RESULT for \($0)", Say.openResult($0)) }
        )
        let bench = try bench()
        try bench.say(Say.openResult(2) + Say.openResult(2, .refused(111)))
        #expect(bench.seen == [.openResult(2, nil)])
        bench.expectOpen()
    }

    @Test func onlyAServerMaySendTickets() throws {
        try expect(.protocolError, for: [("TICKET", Say.ticket())])
        let bench = try SessionBench(.client)
        try bench.say(Say.ticket() + Say.ticket([]))
        bench.expectOpen()
        for wrong in [
            frame(10), frame(10, [UInt8](repeating: 0, count: 13)),
            Array(Say.ticket().dropLast()).setting(3, 16),
            (Say.ticket() + [0]).setting(3, 18),
        ] {
            let bench = try SessionBench(.client)
            try bench.say(wrong)
            try bench.expectClosed(.protocolError)
        }
    }

    @Test func aKeyUpdateMustBeTheLastFrameOfItsRecordAndOfAKnownKind() throws {
        try expect(
            .protocolError,
            for: [
                ("before a frame", Say.keyUpdate() + Say.ping(1)), ("before padding", Say.keyUpdate() + [0]),
            ]
        )
        let share = [UInt8](repeating: 4, count: 133)
        try expect(
            .unsupported,
            for: [
                ("offer", Say.keyUpdate(1, share)), ("answer", Say.keyUpdate(2, share)),
                ("switch", Say.keyUpdate(3)),
                ("kind 255", Say.keyUpdate(255)),
            ]
        )
    }

    @Test func onlyTheFramesBeforeAViolationCount() throws {
        let bench = try bench()
        try bench.say(Say.data(1, [1]) + frame(0x0E) + Say.data(1, [2]))
        try bench.expectClosed(.protocolError)
        #expect(bench.seen == [.data(1, [1])])
    }

    @Test func everythingAfterACloseIsIgnored() throws {
        let bench = try bench()
        try bench.say(Say.data(1, [1]) + Say.close(.shutdown, "bye") + Say.data(1, [2]) + frame(0x0E))
        #expect(bench.end == .byPeer(.shutdown, "bye"))
        #expect(bench.seen == [.data(1, [1])])
        try bench.say(Say.data(1, [3]))
        #expect(bench.seen == [.data(1, [1])])
        // The server does not answer CLOSE.
        #expect(try bench.takeRecords().isEmpty)
        bench.session.linkEnded(at: bench.now)
        bench.takeEvents()
        #expect(bench.end == .byPeer(.shutdown, "bye"))
    }
}
