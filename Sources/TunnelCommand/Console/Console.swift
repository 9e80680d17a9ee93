import Basics
import Sallyport
import Synchronization

/// The object that a console operates: a server or a connection.
protocol ConsoleTarget: Sendable {
    /// The commands of this target, besides those of every console, each with its meaning.
    var help: [(command: String, meaning: String)] { get }

    /// Performs a command.
    ///
    /// - Returns: the lines to print; `nil` if the target has no command of this name.
    func perform(_ command: String, _ words: [String]) async throws(SallyportError) -> [String]?
    /// Prints packets and events, until the target has ended.
    func watch(_ say: @escaping @Sendable (String) -> Void) async
}

/// Reads commands line by line, and prints their results, received packets and events.
final class Console: Sendable {
    private let consoleTarget: any ConsoleTarget
    private let history = Mutex<[String]>([])

    /// The number of lines that `history` shows.
    ///
    /// Larger: more memory. Smaller: fewer old commands.
    private static let maxRemembered = 1000

    init(_ consoleTarget: any ConsoleTarget) {
        self.consoleTarget = consoleTarget
    }

    /// Runs until the input ends, the user types `quit`, or the console target has ended.
    func run() async {
        await withTaskGroup { group in
            group.addTask { [self] in
                for await line in Self.lines() { if !(await self.take(line)) { return } }
            }
            group.addTask { [self] in await consoleTarget.watch { TerminalOutput.result($0) } }
            await group.next()
            group.cancelAll()
        }
    }

    /// Performs the command in a line.
    ///
    /// - Returns: whether the console continues.
    private func take(_ line: String) async -> Bool {
        let words = line.split(separator: " ").map(String.init)
        guard let command = words.first else { return true }
        history.withLock { history in
            history.append(line)
            if history.count > Self.maxRemembered { history.removeFirst() }
        }
        for line in await answer(command, Array(words.dropFirst())) { TerminalOutput.result(line) }
        return command != "quit"
    }

    private func answer(_ command: String, _ words: [String]) async -> [String] {
        switch command {
        case "quit": return []
        case "help":
            let common = [
                ("history", "list the lines typed so far"), ("help", "list the commands"), ("quit", "exit"),
            ]
            let width = 34
            return (consoleTarget.help + common).map { command, meaning in
                command + String(repeating: " ", count: max(1, width - command.count)) + meaning
            }
        case "history": return history.withLock { $0.enumerated().map { "\($0.offset + 1)  \($0.element)" } }
        default: break
        }
        do throws(SallyportError) {
            return try await consoleTarget.perform(command, words) ?? [
                "no command `\(command)`; `help` lists the commands"
            ]
        } catch {
            return ["failed: \(error)"]
        }
    }

    /// The lines of standard input, read on a thread of its own.
    private static func lines() -> AsyncStream<String> {
        AsyncStream { continuation in
            LineReader.start {
                continuation.yield($0)
            } ended: {
                continuation.finish()
            }
        }
    }
}

/// The console of a server.
struct ServerConsole: ConsoleTarget {
    private let server: MessageServer

    init(_ server: MessageServer) {
        self.server = server
    }

    var help: [(command: String, meaning: String)] {
        [
            ("list", "list the connections"),
            ("send TOKEN ACTION TEXT", "send a packet; the beginning of a token is enough"),
            ("request TOKEN ACTION TEXT", "send a request and print the answer"),
            ("broadcast ACTION TEXT", "send a packet to all connections"),
            ("kick TOKEN REASON", "close a connection"),
            ("pair USER", "print a pairing code for a client without a password"),
        ]
    }

    func perform(_ command: String, _ words: [String]) async throws(SallyportError) -> [String]? {
        switch command {
        case "list":
            return server.connections.compactMap { connection in
                connection.token.map { "\($0)  \(connection.user)  \(connection.remoteAddress)" }
            }.sorted()
        case "send":
            try await find(words).send(word(1, of: words, "ACTION"), .text(rest(words, from: 2)))
            return ["sent"]
        case "request":
            let answer = try await find(words).request(
                word(1, of: words, "ACTION"),
                .text(rest(words, from: 2))
            )
            return [shown(answer)]
        case "broadcast":
            let results = await server.broadcast(
                try word(0, of: words, "ACTION"),
                .text(rest(words, from: 1))
            )
            let failed = results.values.count { $0 != nil }
            return ["sent to \(results.count - failed)" + (failed > 0 ? ", failed for \(failed)" : "")]
        case "kick":
            try await find(words).close(rest(words, from: 1))
            return ["closed"]
        case "pair": return ["code \(try await server.beginPairing(word(0, of: words, "USER")))"]
        default: return nil
        }
    }

    private func find(_ words: [String]) throws(SallyportError) -> Connection {
        let beginning = try word(0, of: words, "TOKEN")
        let found = server.connections.filter { "\($0.token?.description ?? "")".hasPrefix(beginning) }
        guard let connection = found.first, found.count == 1 else {
            throw SallyportError(
                .invalidArgument,
                found.isEmpty
                    ? "no token begins with `\(beginning)`; `list` shows the tokens"
                    : "\(found.count) tokens begin with `\(beginning)`; type more of the token"
            )
        }
        return connection
    }

    func watch(_ say: @escaping @Sendable (String) -> Void) async {
        await withTaskGroup { group in
            for await event in server.events {
                say(Self.text(of: event))
                guard case .connected = event.kind, let token = event.token, let connection = server[token]
                else { continue }
                group.addTask {
                    for await packet in connection.packets { say(shown(packet, from: connection.user)) }
                }
            }
        }
    }

    private static func text(of event: ConnectionEvent) -> String {
        let who = "\(event.user ?? "unknown user") at \(event.address)"
        let token = event.token.map { "  \($0)" } ?? ""
        return switch event.kind {
        case .connected: "connected     \(who)\(token)"
        case .paired: "paired        \(who)"
        case .refused(let reason): "refused       \(who): \(reason)"
        case .interrupted(let reason): "interrupted   \(who)\(token): \(reason)"
        case .resumed: "resumed       \(who)\(token)"
        case .disconnected(let error): "disconnected  \(who)\(token): \(error.message)"
        }
    }
}

/// The console of a client.
struct ClientConsole: ConsoleTarget {
    private let connection: Connection

    init(_ connection: Connection) {
        self.connection = connection
    }

    var help: [(command: String, meaning: String)] {
        [
            ("send ACTION TEXT", "send a packet"),
            ("request ACTION TEXT", "send a request and print the answer"),
            ("list", "show the connection"),
        ]
    }

    func perform(_ command: String, _ words: [String]) async throws(SallyportError) -> [String]? {
        switch command {
        case "send":
            try await connection.deliver(word(0, of: words, "ACTION"), .text(rest(words, from: 1)))
            return ["sent"]
        case "request":
            let answer = try await connection.request(
                word(0, of: words, "ACTION"),
                .text(rest(words, from: 1))
            )
            return [shown(answer)]
        case "list": return ["\(connection.remoteAddress) as \(connection.user)"]
        default: return nil
        }
    }

    func watch(_ say: @escaping @Sendable (String) -> Void) async {
        for await packet in connection.packets { say(shown(packet, from: "server")) }
        if let reason = connection.endReason { say(reason.message) }
    }
}

private func word(_ index: Int, of words: [String], _ name: String) throws(SallyportError) -> String {
    guard index < words.count else { throw SallyportError(.invalidArgument, "\(name) is missing") }
    return words[index]
}

private func rest(_ words: [String], from index: Int) -> String {
    words.dropFirst(index).joined(separator: " ")
}

/// A payload as one line, without characters that a terminal would act on.
private func shown(_ payload: Payload) -> String {
    guard let text = payload.text else { return "\(payload.bytes.count) bytes" }
    return text.visible
}

private func shown(_ packet: Packet, from sender: String) -> String {
    "\(sender): \(shown(.text(packet.action))) \(shown(packet.payload))"
}
