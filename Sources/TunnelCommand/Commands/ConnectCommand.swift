import ArgumentParser
import EventIO
import Logging
import Platform
import SecureLink
import Synchronization
import Tunnel

struct ConnectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "connect",
        abstract: "Connects standard input and output to a service.",
        discussion: """
            EXAMPLES
              sallyport connect alice@host:7443 ssh --password-file pw
              ssh -o ProxyCommand='sallyport connect alice@host:7443 ssh --password-file pw' host

            Exit status: 0 both directions ended, 67 the password was refused, 69 the peer or the service cannot be reached or \
            the stream was cut off, 76 the peer speaks another protocol.
            """
    )

    @Argument(help: "The user to log in as and the address of the peer: USER@HOST:PORT.")
    var peer: String

    @Argument(help: "The service of the peer to open.")
    var service: String

    @OptionGroup var password: PasswordOptions

    func run() throws {
        ProcessControl.prepare()
        let route = RouteConfiguration(name: service, accept: [], peer: PeerOptions.name, service: service)
        let ready = try PeerOptions.ready(
            peer,
            password,
            routes: [route],
            workers: 1,
            log: LogSettings(level: .error)
        )
        do {
            try Self.carry(ready)
        } catch let failure as SystemFailure {
            throw CommandFailure(status: .software, message: failure.description)
        }
    }

    private static func carry(_ ready: ReadyConfiguration) throws {
        let destination = try LogDestination()
        let logger = Logger(label: "sallyport") { _ in
            LineLogHandler(ready.configuration.log, destination: destination)
        }
        let (here, there) = try BlockingSocket.pair()
        let result = Mutex<CommandFailure?>(nil)
        var service: TunnelService?
        var isCarried = false
        let tunnel = try PreparedTunnel(ready.configuration, secrets: ready.secrets, logger: logger) {
            event in
            switch event {
            case .ready:
                isCarried = true
                service?.carry(there, route: RouteName(ready.configuration.routes[0].name))
            case .tried(_, let failure):
                guard let failure else { return }
                result.withLock { $0 = CommandFailure(failure) }
                service?.stop()
            case .ownVisitorEnded(let summary):
                if !summary.isComplete { result.withLock { $0 = $0 ?? CommandFailure(summary) } }
                service?.stop()
            }
        }.confine()
        let made = tunnel.service
        service = made
        // Standard input may never end; its thread ends with the process.
        _ = try LoopThread(name: "sly-stdin") { pump(from: STDIN_FILENO, to: here) }
        let output = try LoopThread(name: "sly-stdout") { pump(from: here, to: STDOUT_FILENO) }
        let outcome = tunnel.run()
        if case .failed(let failure) = outcome {
            result.withLock { $0 = CommandFailure(status: .systemRefused, message: failure.description) }
        } else if !isCarried {
            result.withLock {
                $0 = $0 ?? CommandFailure(status: .cutShort, message: "stopped before a stream was open")
            }
        }
        // Without the reset, `pump` would wait for the end of `here` forever.
        if !isCarried { there.reset() }
        // The program that reads standard output may never read the rest. From here on, a signal ends the process at once.
        made.leaveSignals()
        // The thread may not have written the last bytes of the stream yet.
        output.join()
        destination.finish()
        if let failure = result.withLock({ $0 }) { throw failure }
    }

    private static func pump(from input: Int32, to socket: BlockingSocket) {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 16)
        defer { buffer.deallocate() }
        while true {
            let count = read(input, buffer.baseAddress, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            guard (try? socket.write(UnsafeRawBufferPointer(rebasing: buffer[..<count]))) != nil else {
                return
            }
        }
        socket.shutdownWriting()
    }

    private static func pump(from socket: BlockingSocket, to output: Int32) {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 16)
        defer { buffer.deallocate() }
        while let count = try? socket.read(into: buffer), count > 0 {
            var written = 0
            while written < count {
                let part = write(output, buffer.baseAddress.map { $0 + written }, count - written)
                if part > 0 { written += part } else if errno != EINTR { return }
            }
        }
    }
}

extension CommandFailure {
    /// The failure to report when no link could be established.
    init(_ failure: LinkFailure) {
        let status: ExitStatus =
            switch failure {
            case .passwordRefused: .passwordRefused
            case .incompatible, .otherApplication: .incompatible
            case .misconfigured: .configuration
            case .unresolved, .unreachable, .timeout, .closed, .rejected, .sessionGone, .sessionElsewhere:
                .unreachable
            case .failed: .software
            }
        self.init(status: status, message: failure.text)
    }

    /// The failure to report when the stream did not end in an orderly way.
    init(_ summary: StreamSummary) {
        self.init(
            status: .unreachable,
            message: "the stream was cut off: why=\(summary.why) by=\(summary.by)"
        )
    }
}
