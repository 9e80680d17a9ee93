/// Checks that an installation works, with a server and a client in this process and real connections between them.
public enum SelfTest {
    /// One step of the test, and its result.
    public struct Step: Sendable {
        /// The name of the step, for people.
        public let name: String
        /// The error with which the step failed, or `nil`.
        public let failure: SallyportError?
    }

    /// Runs all steps once; takes about two seconds.
    ///
    /// Never throws: a step that does not work has a failure, and steps that depend on it are left out.
    public static func run() async -> [Step] {
        var steps: [Step] = []
        func attempt<Value>(
            _ name: String,
            _ body: () async throws(SallyportError) -> Value
        ) async -> Value? {
            do throws(SallyportError) {
                let value = try await body()
                steps.append(Step(name: name, failure: nil))
                return value
            } catch {
                steps.append(Step(name: name, failure: error))
                return nil
            }
        }
        let password = "\(UInt64.random(in: 0 ..< .max))"
        let started = await attempt("start a server") { () throws(SallyportError) in
            try await MessageServer.start(on: "127.0.0.1:0", passwords: Passwords(["selftest": password]))
        }
        guard let server = started else { return steps }
        server.answer("echo") { packet, _ in packet.payload }
        server.serve("echo", with: ByteStream.echo)
        let connected = await attempt("log in with a password") { () throws(SallyportError) in
            try await MessageClient.connect(to: server.addresses[0], user: "selftest", password: password)
        }
        if let connection = connected {
            let content = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 * 31 + $0 >> 9) }
            _ = await attempt("send a request and get the answer") { () throws(SallyportError) in
                try expect(try await connection.request("echo", "hello").text == "hello")
            }
            _ = await attempt("send a megabyte as one payload") { () throws(SallyportError) in
                try expect(try await connection.request("echo", .bytes(content)).bytes == content)
            }
            _ = await attempt("send a packet from the server") { () throws(SallyportError) in
                _ = await server.broadcast("news", "rain", isConfirmed: true)
                try expect(try await connection.inbox.next(timeout: .seconds(5)).text == "rain")
            }
            _ = await attempt("send a megabyte as a stream of bytes") { () throws(SallyportError) in
                let stream = try await connection.openStream("echo")
                async let writing: Void = write(content, to: stream)
                try expect(try await stream.readToEnd() == content)
                await writing
            }
            await connection.close()
        }
        await server.stop()
        return steps
    }

    private static func write(_ content: [UInt8], to stream: ByteStream) async {
        try? await stream.write(content)
        stream.finish()
    }

    private static func expect(_ isRight: Bool) throws(SallyportError) {
        guard isRight else { throw SallyportError(.malformed, "what came back is not what was sent") }
    }
}
