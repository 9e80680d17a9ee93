import ArgumentParser
import EventIO
import Platform
import SecureLink
import SystemPackage

struct DemoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Runs both ends and an echo service on this machine, as a trial.",
        discussion: """
            EXAMPLES
              sallyport demo          keeps running until Ctrl-C, so that you can connect to it
              sallyport demo --once   exits after the trial

            Starts an echo service, and a server end and a client end as two processes with a password generated for this run. \
            Moves data through both ends and checks every byte. All files are removed at the end.
            """
    )

    @Flag(help: "Exit after the trial, also on a terminal.")
    var once = false

    /// The bytes that the trial moves in each direction.
    private static let trialBytes = 256 << 20

    func run() throws {
        ProcessControl.prepare()
        do {
            let folder = try DemoFolder()
            try demonstrate(in: folder)
        } catch let failure as SystemFailure {
            throw CommandFailure(status: .software, message: failure.description)
        } catch let refusal as Errno {
            throw CommandFailure(status: .software, message: "cannot start the process of an end: \(refusal)")
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
            "client end     127.0.0.1:\(ports.entry)            process \(client.identifier), user demo, password generated for this run"
        )
        let entry = try findEntry(ports.entry, server, client, folder)

        let report = try TunnelTrial(entry: entry).run(bytes: Self.trialBytes)
        let mebibytes = report.bytes >> 20
        let rate = Double(mebibytes) / report.seconds
        print("")
        print(
            "moved          \(mebibytes) MiB in each direction at the same time, every byte checked"
        )
        print(
            "speed          \(TerminalOutput.bold("\(Int(rate)) MiB/s in each direction")), encrypted, both ends on this machine"
        )
        print("round trip     \(Int(report.medianRoundTrip * 1e6)) us for 64 bytes (median)")
        guard !once, TerminalOutput.isTerminal(STDIN_FILENO) else { return }

        print("")
        print(
            "The tunnel is up: connect to \(TerminalOutput.bold("127.0.0.1:\(ports.entry)")), for example with  nc 127.0.0.1 \(ports.entry)"
        )
        print("Configurations and logs of the ends: \(folder.path)")
        print("Press Ctrl-C to stop.")
        try waitForInterrupt()
    }

    /// Waits until the client end accepts connections, which it does once it has logged in to the server end.
    private func findEntry(
        _ port: UInt16,
        _ server: ChildProcess,
        _ client: ChildProcess,
        _ folder: DemoFolder
    ) throws -> SocketAddress {
        guard let address = SocketAddress(numericHost: "127.0.0.1", port: port) else {
            throw CommandFailure(status: .software, message: "127.0.0.1 is not an address on this machine")
        }
        let deadline = ContinuousClock.now + .seconds(20)
        while ContinuousClock.now < deadline, server.isRunning, client.isRunning {
            if (try? BlockingSocket.connect(to: address)) != nil { return address }
            usleep(20_000)
        }
        throw CommandFailure(
            status: .software,
            message: "the client end did not reach the server end; their logs:\n\(folder.logs)"
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
