import ArgumentParser
import CryptoPrimitives
import EventIO
import Platform
import SecureLink

/// Dials links to a server and logs in repeatedly: the load of many clients that reconnect.
struct Logins: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Log in at a server, over and over, and count how often that comes about."
    )

    @Argument(help: "The server, as HOST:PORT.")
    var server: String
    @Argument(help: "The user.")
    var user: String
    @Argument(help: "The file with the password.")
    var passwordFile: String
    @Option(help: "For how long, in s.")
    var seconds = 3
    @Option(help: "How many are under way at a time.")
    var inFlight = 4

    func run() throws {
        ProcessControl.prepare()
        let store = try CredentialStore(user: user, password: LoginPassword(file: passwordFile), realm: nil)
        let endpoint = try Endpoint(parsing: server, for: .dialling(barePortHost: nil))
        let loop = try EventLoop()
        let pool = try JobPool(threads: 2, maxWaiting: 4 * inFlight, name: "logins")
        let environment = LinkEnvironment(
            loop,
            pool: pool,
            gauge: TrafficGauge(),
            neighbours: [],
            aead: .libcrypto
        )
        let clients = (0..<inFlight).map { _ in LoginClient(endpoint, store, environment) }
        // The first client has the password stretched for all clients.
        clients[0].succeeded = { clients.dropFirst().forEach { $0.dial() } }
        clients[0].dial()
        let warm = LoopTimer(loop) { clients.forEach { $0.restart() } }
        warm.schedule(after: .seconds(1))
        // The server would count an aborted login as a password guess. So logins in flight may finish, but they are not counted.
        var (done, failed) = (0, 0)
        let last = LoopTimer(loop) { loop.stop() }
        let end = LoopTimer(loop) {
            (done, failed) = clients.reduce((0, 0)) { ($0.0 + $1.done, $0.1 + $1.failed) }
            clients.forEach { $0.isLeaving = true }
            last.schedule(after: .milliseconds(300))
        }
        end.schedule(after: .seconds(1 + seconds))
        loop.run()
        Output.line("{\"per_s\": \(done / max(1, seconds)), \"failed\": \(failed)}")
    }
}

/// One client, which disconnects as soon as it is logged in, and then logs in again.
private final class LoginClient {
    private(set) var done = 0
    private(set) var failed = 0
    var succeeded: (() -> Void)?
    /// Whether the client does not log in again.
    var isLeaving = false
    private let endpoint: Endpoint
    private let store: CredentialStore
    private let environment: LinkEnvironment
    private var dialer: LinkDialer?
    private var next: LoopTimer?

    init(_ endpoint: Endpoint, _ store: CredentialStore, _ environment: LinkEnvironment) {
        self.endpoint = endpoint
        self.store = store
        self.environment = environment
        next = LoopTimer(environment.loop) { [unowned self] in dial() }
    }

    /// Restarts the counts at zero.
    func restart() {
        (done, failed) = (0, 0)
    }

    func dial() {
        guard !isLeaving else { return }
        dialer = LinkDialer(
            to: [endpoint],
            as: store,
            options: LinkOptions(),
            connectTimeout: .seconds(10),
            in: environment
        ) { [unowned self] result in
            switch result {
            case .success(let session):
                done += 1
                session.closeAtOnce()
                succeeded?()
                succeeded = nil
                // On the next loop turn, because the dialer is the caller here and must not be replaced during its call.
                next?.schedule(after: .zero)
            case .failure(let failure):
                failed += 1
                Output.progress("\(failure)")
                // An overloaded server refuses at once, so a retry without a pause would only add load.
                next?.schedule(after: .milliseconds(10))
            }
        }
        dialer?.start()
    }
}
