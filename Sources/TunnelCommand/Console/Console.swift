import Basics
import Sallyport
import Synchronization

/// What a console stands at: a server or a connection.
protocol ConsoleTarget: Sendable {
    /// Commands that it has besides those of every console, each with what it does.
    var help: [(command: String, meaning: String)] { get }

    /// Does a command; `nil` when it has none of that name.
    func perform(_ command: String, _ words: [String]) async throws(SallyportError) -> [String]?
    /// Prints what comes, until it is over.
    func watch(_ say: @escaping @Sendable (String) -> Void) async
}

/// Reads commands line by line, and prints what they bring and what comes.
final class Console: Sendable {
    private let consoleTarget: any ConsoleTarget
    private let history = Mutex<[String]>([])

    /// What is remembered.
    private static let maxRemembered = 1000

    init(_ consoleTarget: any ConsoleTarget) {
        self.consoleTarget = consoleTarget
    }

    /// Runs until the input ends, or the desk is over.
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

    /// Does what a line says.
    ///
    /// - Returns: whether there is to be another one.
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
            let common = [("history", "what was typed"), ("help", "this"), ("quit", "the end")]
            let width = 34
            return (consoleTarget.help + common).map { command, meaning in
                command + String(repeating: " ", count: max(1, width - command.count)) + meaning
            }
        case "history": return history.withLock { $0.enumerated().map { "\($0.offset + 1)  \($0.element)" } }
        default: break
        }
        do throws(SallyportError) {
            return try await consoleTarget.perform(command, words) ?? ["no command `\(command)`: try help"]
        } catch {
            return ["failed: \(error)"]
        }
    }

    /// The lines of standard input, which are waited for on a thread of their own.
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

/// At a server.
struct ServerConsole: ConsoleTarget {
    private let server: MessageServer

    init(_ server: MessageServer) {
        self.server = server
    }

    var help: [(command: String, meaning: String)] {
        [
            ("list", "the connections"),
            ("send TOKEN ACTION TEXT", "a packet; the beginning of a token will do"),
            ("request TOKEN ACTION TEXT", "a packet that is answered"),
            ("broadcast ACTION TEXT", "a packet to all"),
            ("kick TOKEN REASON", "close a connection"),
            ("pair USER", "a code for a client that has no password"),
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
                found.isEmpty ? "no connection `\(beginning)`" : "\(found.count) connections begin so"
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
        let who = "\(event.user ?? "somebody") at \(event.address)"
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

/// At a client.
struct ClientConsole: ConsoleTarget {
    private let connection: Connection

    init(_ connection: Connection) {
        self.connection = connection
    }

    var help: [(command: String, meaning: String)] {
        [
            ("send ACTION TEXT", "a packet"),
            ("request ACTION TEXT", "a packet that is answered"),
            ("list", "the connection"),
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

/// A payload on one line that a terminal cannot be led astray by.
private func shown(_ payload: Payload) -> String {
    guard let text = payload.text else { return "\(payload.bytes.count) bytes" }
    return text.visible
}

private func shown(_ packet: Packet, from sender: String) -> String {
    "\(sender): \(shown(.text(packet.action))) \(shown(packet.payload))"
}
