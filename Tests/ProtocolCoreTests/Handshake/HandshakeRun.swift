import CryptoPrimitives
import ProtocolCoreTesting
import Testing
import Vocabulary

@testable import ProtocolCore

/// A complete handshake between two state machines, with a man in the middle who may change messages.
struct HandshakeRun {
    /// The messages in the order in which they can be sent.
    enum Message: Hashable, CaseIterable {
        case query
        case retry
        case hello
        case answer
        case finish
    }

    /// The outcome of a handshake.
    struct Outcome {
        var clientFault: HandshakeFault?
        var serverFault: HandshakeFault?
        /// Whether an end still waits for more bytes.
        var isStuck = false
        var client: Agreement?
        var server: Agreement?
        /// Each message as its sender sent it.
        var sent: [Message: [UInt8]] = [:]
        /// The steps of both ends.
        var steps: [String] = []
        /// Whether the server counts a disconnect of the client at this point as a password guess.
        var owesProof = false
        var claimed: Identity?

        /// Whether either end accepts the other.
        var isAccepted: Bool { client != nil || server != nil }
    }

    var table: VerifierTable
    /// The credential of the client; with `nil` it asks for the realm first.
    var login: ClientCredential?
    /// Makes the client's credential for the realm that the server names.
    var learn: (Realm, ScryptCost) throws -> ClientCredential
    var clientSuites = [Suite.encrypted]
    var serverSuites = [Suite.encrypted]
    var clientParameters = SessionParameters()
    var serverParameters = SessionParameters()
    var pinnedRealm: Realm?
    var clientRandom = [UInt8](repeating: 0xC1, count: 32)
    var serverSeed: UInt8 = 0x51
    /// Changes a message in transit.
    var middle: (Message, [UInt8]) -> [UInt8] = { $1 }

    init(_ people: People, asksForRealm: Bool = false) {
        table = people.table
        login = asksForRealm ? nil : people.alice
        let alice = people.alice
        learn = { (realm, cost) throws in
            try ClientCredential(identity: alice.identity, realm: realm, cost: cost, secret: alice.secret)
        }
    }

    func makeServer() -> ServerHandshake {
        ServerHandshake(
            table: table,
            suites: serverSuites,
            parameters: serverParameters,
            randomness: ServerHandshake.Randomness(
                random: [UInt8](repeating: serverSeed, count: 32),
                scalar: .pattern(serverSeed),
                retryNonce: [UInt8](repeating: serverSeed ^ 0xFF, count: 16)
            )
        )
    }

    func makeClient() -> ClientHandshake {
        ClientHandshake(
            random: clientRandom,
            suites: clientSuites,
            parameters: clientParameters,
            pinnedRealm: pinnedRealm
        )
    }

    static func share(_ credential: ClientCredential) throws -> ProverShare {
        try ProverShare(credential: credential, random: .pattern(0x21))
    }

    func run() throws -> Outcome {
        var outcome = Outcome()
        var client = makeClient()
        var server = makeServer()
        var bytes = try client.begin(with: login.map { ($0, try Self.share($0)) })
        var message = login == nil ? Message.query : .hello
        while true {
            outcome.sent[message] = bytes
            bytes = middle(message, bytes)
            do throws(HandshakeFault) {
                let isServers = message == .query || message == .hello || message == .finish
                let next =
                    isServers
                    ? try serve(&server, bytes, &outcome) : try answer(&client, bytes, &outcome)
                outcome.owesProof = server.owesProof
                outcome.claimed = server.claimedIdentity
                guard let next else { return outcome }
                (message, bytes) = next
            } catch {
                outcome.owesProof = server.owesProof
                outcome.claimed = server.claimedIdentity
                let isServers = message == .query || message == .hello || message == .finish
                if isServers { outcome.serverFault = error } else { outcome.clientFault = error }
                return outcome
            }
        }
    }

    private func serve(
        _ server: inout ServerHandshake,
        _ bytes: [UInt8],
        _ outcome: inout Outcome
    ) throws(HandshakeFault) -> (Message, [UInt8])? {
        let step = try bytes.borrowed { bytes throws(HandshakeFault) in try server.receive(bytes) }.step
        switch step {
        case .wait:
            outcome.isStuck = true
            return nil
        case .send(let retry):
            outcome.steps.append("server: retry")
            return (.retry, retry)
        case .verify(let job):
            outcome.steps.append("server: verify")
            let products = try orCryptoFault { () throws(CryptoFailure) in try job.run() }
            let message = try server.answer(with: products)
            outcome.steps.append("server: answer of \(message.count) bytes")
            return (.answer, message)
        case .established(let agreement):
            outcome.steps.append("server: established")
            outcome.server = agreement
            return nil
        case .resume:
            outcome.steps.append("server: reattach")
            return nil
        }
    }

    private func answer(
        _ client: inout ClientHandshake,
        _ bytes: [UInt8],
        _ outcome: inout Outcome
    ) throws(HandshakeFault) -> (Message, [UInt8])? {
        let step = try bytes.borrowed { bytes throws(HandshakeFault) in try client.receive(bytes) }.step
        switch step {
        case .wait:
            outcome.isStuck = true
            return nil
        case .learn(let realm, let cost):
            outcome.steps.append("client: learn \(realm.text)")
            guard let credential = try? learn(realm, cost), let share = try? Self.share(credential) else {
                throw .credentialNotForThisRealm
            }
            return (.hello, client.continue(with: credential, share: share))
        case .prove(let job):
            outcome.steps.append("client: prove")
            let products = try orCryptoFault { () throws(CryptoFailure) in try job.run() }
            let (message, agreement) = try client.finish(with: products)
            outcome.steps.append("client: finish")
            outcome.client = agreement
            return (.finish, message)
        }
    }
}

extension [UInt8] {
    /// Lends the bytes to a closure with a typed error, which `withUnsafeBytes` does not support.
    func borrowed<R, E>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        let result = withUnsafeBytes { bytes -> Result<R, E> in
            do throws(E) { return .success(try body(bytes)) } catch { return .failure(error) }
        }
        return try result.get()
    }

    /// A copy with one bit flipped in the byte at `index`; the bit depends on the index.
    func flipped(at index: Int) -> [UInt8] {
        var copy = self
        copy[index] ^= 1 << UInt8((index &* 7 &+ index / 8) % 8)
        return copy
    }
}
