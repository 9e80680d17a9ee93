import ArgumentParser
import EventIO
import Platform
import SecureLink
import SystemPackage

struct DemoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Both ends and an echo service on this machine, to see it work.",
        discussion: """
            EXAMPLES
              sallyport demo          stays up until Ctrl-C, so that you can connect to it
              sallyport demo --once   ends when it has shown that it works

            Starts a server end and a client end as two processes with a throw-away password, an echo service behind them, \
            moves data through both and checks every byte. Nothing is left behind.
            """
    )

    @Flag(help: "End after the trial; also without a terminal.")
    var once = false

    /// What goes each way in the trial.
    private static let trialBytes = 256 << 20

    func run() throws {
        ProcessControl.prepare()
        do {
            let folder = try DemoFolder()
            try demonstrate(in: folder)
        } catch let failure as SystemFailure {
            throw CommandFailure(status: .software, message: failure.description)
        } catch let refusal as Errno {
            throw CommandFailure(status: .software, message: "cannot start a second process: \(refusal)")
        } catch let fault as CredentialFault {
            throw CommandFailure(status: .software, message: fault.text)
        }
    }

    private func demonstrate(in folder: DemoFolder) throws {
        let echo = try EchoService()
        let ports = try DemoFolder.freePorts()
        try folder.write(echo: echo.address.port, link: ports.link, entry: ports.entry)
        let server = try ChildProcess(
            ["run", "--leashed", folder.serverFile],
            output: folder.path + "/server.log"
        )
        let client = try ChildProcess(
            ["run", "--leashed", folder.clientFile],
            output: folder.path + "/client.log"
        )
        print("echo service   127.0.0.1:\(echo.address.port)            in this process")
        print("server end     127.0.0.1:\(ports.link)            process \(server.identifier)")
        print(
            "client end     127.0.0.1:\(ports.entry)            process \(client.identifier), as user demo, with a password made for this run"
        )
        let entry = try findEntry(ports.entry, server, client, folder)

        let report = try TunnelTrial(entry: entry).run(bytes: Self.trialBytes)
        let mebibytes = report.bytes >> 20
        let rate = Double(mebibytes) / report.seconds
        print("")
        print(
            "moved          \(mebibytes) MiB there and \(mebibytes) MiB back at the same time, every byte checked"
        )
        print(
            "speed          \(TerminalOutput.bold("\(Int(rate)) MiB/s each way")), encrypted, everything on this machine"
        )
        print("round trip     \(Int(report.medianRoundTrip * 1e6)) us for 64 bytes (half took less)")
        guard !once, TerminalOutput.isTerminal(STDIN_FILENO) else { return }

        print("")
        print(
            "It stays up: connect to \(TerminalOutput.bold("127.0.0.1:\(ports.entry)")), for example with  nc 127.0.0.1 \(ports.entry)"
        )
        print("What the ends were started with and what they log: \(folder.path)")
        print("Ctrl-C ends it.")
        try waitForInterrupt()
    }

    /// Waits until the client end accepts, which it does when it is logged in at the server end.
    private func findEntry(
        _ port: UInt16,
        _ server: ChildProcess,
        _ client: ChildProcess,
        _ folder: DemoFolder
    ) throws -> SocketAddress {
        guard let address = SocketAddress(numericHost: "127.0.0.1", port: port) else {
            throw CommandFailure(status: .software, message: "127.0.0.1 is no address here")
        }
        let deadline = ContinuousClock.now + .seconds(20)
        while ContinuousClock.now < deadline, server.isRunning, client.isRunning {
            if (try? BlockingSocket.connect(to: address)) != nil { return address }
            usleep(20_000)
        }
        throw CommandFailure(
            status: .software,
            message: "the ends did not find each other:\n\(folder.logs)"
        )
    }

    private func waitForInterrupt() throws {
        let loop = try EventLoop()
        let interrupt = try SignalWatcher(.interrupt, on: loop) { loop.stop() }
        let terminate = try SignalWatcher(.terminate, on: loop) { loop.stop() }
        loop.run()
        withExtendedLifetime((interrupt, terminate)) {}
    }

    private func print(_ line: String) {
        TerminalOutput.result(line)
    }
}
