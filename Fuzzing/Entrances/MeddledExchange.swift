import CryptoPrimitives
import ProtocolCore

/// A whole handshake between two honest ends, with an attacker in the middle who changes messages.
///
/// An end that accepts the other one must have received exactly the bytes that the other one sent, from the first byte on.
struct MeddledExchange {
    /// A change to one message.
    private struct Change {
        var message: UInt8
        var kind: UInt8
        var place: Int
        var value: UInt8
    }

    private let asksForRealm: Bool
    private let changes: [Change]
    /// The bytes that some changes insert.
    private let foreign: [UInt8]
    private var spoken: UInt8 = 0
    private var wasChanged = false
    private var clientSecret: SecretBytes?
    private var serverSecret: SecretBytes?

    init(_ choices: inout Choices) {
        asksForRealm = choices.yes()
        changes = (0..<Int(choices.byte() % 5)).map { _ in
            Change(
                message: choices.byte() % 5,
                kind: choices.byte() % 5,
                place: choices.uint16(),
                value: choices.byte()
            )
        }
        foreign = Array(choices.bytes(2100))
    }

    consuming func run() {
        let people = HandshakePeople.shared
        var client = people.client()
        var server = people.server()
        do throws(HandshakeFault) {
            try exchange(&client, &server, people)
        } catch {
            precondition(wasChanged, "an exchange that nobody changed failed: \(error)")
        }
        guard let clientSecret, let serverSecret else {
            precondition(wasChanged, "an exchange that nobody changed came to nothing")
            return
        }
        precondition(!wasChanged, "an exchange that was changed was accepted")
        precondition(clientSecret.isEqual(to: serverSecret), "two ends agreed on two keys")
    }

    private mutating func exchange(
        _ client: inout ClientHandshake,
        _ server: inout ServerHandshake,
        _ people: HandshakePeople
    ) throws(HandshakeFault) {
        var message = client.begin(with: asksForRealm ? nil : (people.alice, people.share))
        while true {
            guard let answer = try serve(&server, &message) else { return }
            guard let next = try answerServer(&client, answer, people) else { return }
            message = next
        }
    }

    /// - Returns: the server's answer, or `nil` if the exchange is over.
    private mutating func serve(
        _ server: inout ServerHandshake,
        _ message: inout [UInt8]
    ) throws(HandshakeFault) -> [UInt8]? {
        let step = try hear(message) { bytes throws(HandshakeFault) in try server.receive(bytes) }
        switch step {
        case nil, .wait, .resume: return nil
        case .send(let retry): return retry
        case .verify(let job): return try server.answer(with: Self.done(job.run))
        case .established(let agreement):
            precondition(!wasChanged, "the server accepted what was changed")
            precondition(clientSecret != nil, "the server accepted before the client did")
            serverSecret = agreement.secrets.client
            return nil
        }
    }

    /// - Returns: the client's answer, or `nil` if the exchange is over.
    private mutating func answerServer(
        _ client: inout ClientHandshake,
        _ message: [UInt8],
        _ people: HandshakePeople
    ) throws(HandshakeFault) -> [UInt8]? {
        let step = try hear(message) { bytes throws(HandshakeFault) in try client.receive(bytes) }
        switch step {
        case nil, .wait: return nil
        case .learn(let realm, let cost):
            guard realm == people.realm, cost == people.cost else { return nil }
            return client.continue(with: people.alice, share: people.share)
        case .prove(let job):
            let (finish, agreement) = try client.finish(with: Self.done(job.run))
            precondition(!wasChanged, "the client accepted what was changed")
            clientSecret = agreement.secrets.client
            return finish
        }
    }

    private static func done(
        _ job: () throws(CryptoFailure) -> ExchangeProducts?
    ) throws(HandshakeFault) -> ExchangeProducts? {
        do { return try job() } catch { throw .crypto(error) }
    }

    /// Passes a message to an end, changed or not.
    ///
    /// Bytes that the end does not consume do not count as changed: they belong to the next reader.
    private mutating func hear<Step>(
        _ message: [UInt8],
        _ receive: (UnsafeRawBufferPointer) throws(HandshakeFault) -> (consumed: Int, step: Step)
    ) throws(HandshakeFault) -> Step? {
        let heard = changed(message)
        let differs = heard.prefix(message.count) != message[...]
        wasChanged = wasChanged || differs
        let isLonger = heard.count > message.count
        do throws(HandshakeFault) {
            let (consumed, step) = try borrow(heard, receive)
            precondition(consumed <= heard.count)
            precondition(differs || consumed == message.count || consumed == 0)
            return step
        } catch {
            // An end may reject additional bytes after a message that must be the last one.
            wasChanged = wasChanged || isLonger
            throw error
        }
    }

    private mutating func changed(_ message: [UInt8]) -> [UInt8] {
        var bytes = message
        for change in changes where change.message == spoken {
            let place = bytes.isEmpty ? 0 : change.place % bytes.count
            switch change.kind {
            case 0: if !bytes.isEmpty { bytes[place] ^= change.value }
            case 1: bytes.removeLast(bytes.count - place)
            case 2: bytes.insert(change.value, at: place)
            case 3: bytes.append(contentsOf: foreign)
            default: bytes.replaceSubrange(place..., with: foreign)
            }
        }
        spoken += 1
        return bytes
    }
}
