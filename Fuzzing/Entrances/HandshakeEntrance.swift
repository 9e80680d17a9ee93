import CryptoPrimitives
import ProtocolCore

/// Reads an input as the bytes that an end receives before there are keys.
///
/// The first byte selects the receiver: a server, a client that logs in, a client that asks for the realm, both ends of
/// an exchange with an attacker in the middle, or a client that resumes a session.
func fuzzHandshake(_ bytes: UnsafeRawBufferPointer) {
    var choices = Choices(bytes)
    switch choices.byte() % 5 {
    case 0: hearAsServer(&choices)
    case 1: hearAsClient(&choices, asksForRealm: false)
    case 2: hearAsClient(&choices, asksForRealm: true)
    case 3: MeddledExchange(&choices).run()
    default: hearAsResumingClient(&choices)
    }
}

/// The length of the longest message: no end waits for more bytes than this.
private let maxMessage = 8 + 2048

/// Passes the rest of the input to a server, in pieces of one size.
private func hearAsServer(_ choices: inout Choices) {
    var server = HandshakePeople.shared.server()
    var hellos = 0
    hear(&choices) { bytes throws(HandshakeFault) in
        let (consumed, step) = try server.receive(bytes)
        switch step {
        case .wait: return nil
        case .send(let message):
            hellos += 1
            precondition(hellos <= 2, "an unauthenticated client gets more than two answers")
            precondition(
                message.count <= bytes.count * 4,
                "an answer is more than four times as long as its request"
            )
            checkRereading(bytes, consumed)
            return (consumed, goesOn: true)
        case .verify:
            precondition(server.claimedTag != nil)
            checkRereading(bytes, consumed)
            // Leave the arithmetic to whole exchanges; here it would take nearly all of the time.
            return (consumed, goesOn: false)
        case .established: preconditionFailure("who said so little knows no password")
        case .resume(let request):
            let proof = HandshakePeople.shared.proof
            guard request.isProved(by: proof) else { return (consumed, goesOn: false) }
            // A hello with a valid proof must equal the hello that an honest client sends.
            let said = Array(UnsafeRawBufferPointer(rebasing: bytes.prefix(consumed)))
            let hello = ClientResumption(
                proof,
                attempt: request.attempt,
                received: request.received,
                random: Array(said[8..<40])
            )
            precondition(said == hello.message, "a hello is taken for another one")
            return (consumed, goesOn: false)
        }
    }
    precondition(!server.owesProof, "no proof was given")
}

/// Checks that a hello has the same content after it is encoded and parsed again.
private func checkRereading(_ bytes: UnsafeRawBufferPointer, _ count: Int) {
    guard let hello = try? ClientHello(frame: UnsafeRawBufferPointer(rebasing: bytes.prefix(count))) else {
        preconditionFailure("a hello was answered that cannot be read")
    }
    guard hello.mode == .password else { return }
    let again = hello.encoded().withUnsafeBytes { try? ClientHello(frame: $0) }
    precondition(again?.random == hello.random && again?.suites == hello.suites)
    precondition(again?.parameters == hello.parameters, "parameters change on the way")
    switch (hello.request, again?.request) {
    case (.realmQuery, .realmQuery): break
    case (.login(let tag, let hint, let share), .login(let otherTag, let otherHint, let otherShare)):
        precondition(
            tag == otherTag && hint == otherHint && share == otherShare,
            "a login changes on the way"
        )
    default: preconditionFailure("a request changes on the way")
    }
}

/// Passes the rest of the input to a client that resumes a session, in pieces of one size.
private func hearAsResumingClient(_ choices: inout Choices) {
    let people = HandshakePeople.shared
    let client = ClientResumption(people.proof, attempt: 1, received: 7, random: people.random)
    hear(&choices) { bytes throws(HandshakeFault) in
        guard let (consumed, _) = try client.receive(bytes) else { return nil }
        return (consumed, goesOn: false)
    }
}

/// Passes the rest of the input to a client, in pieces of one size.
private func hearAsClient(_ choices: inout Choices, asksForRealm: Bool) {
    let people = HandshakePeople.shared
    var client = people.client()
    _ = client.begin(with: asksForRealm ? nil : (people.alice, people.share))
    var learned = 0
    hear(&choices) { bytes throws(HandshakeFault) in
        let (consumed, step) = try client.receive(bytes)
        switch step {
        case .wait: return nil
        case .learn(let realm, let cost):
            learned += 1
            precondition(learned == 1, "a server makes a client stretch its password again and again")
            precondition(ScryptCost.acceptedLogN.contains(cost.logN) && cost.r == 8 && cost.p == 1)
            // Only this credential exists: computing another one takes too long.
            guard realm == people.realm, cost == people.cost else { return (consumed, goesOn: false) }
            let hello = client.continue(with: people.alice, share: people.share)
            precondition(!hello.isEmpty)
            return (consumed, goesOn: true)
        case .prove: return (consumed, goesOn: false)
        }
    }
}

/// Passes the input to an end as a driver does: each call gets all bytes that the end has not consumed yet.
private func hear(
    _ choices: inout Choices,
    _ receive: (UnsafeRawBufferPointer) throws(HandshakeFault) -> (consumed: Int, goesOn: Bool)?
) {
    let piece = [1, 7, 64, 300, 4096][Int(choices.byte()) % 5]
    var pending: [UInt8] = []
    while !choices.isEmpty {
        pending += choices.bytes(piece)
        while !pending.isEmpty {
            do throws(HandshakeFault) {
                guard let (consumed, goesOn) = try borrow(pending, receive) else { break }
                precondition(consumed > 0 && consumed <= pending.count, "a message of an impossible length")
                pending.removeFirst(consumed)
                guard goesOn else { return }
            } catch {
                // The handshake has failed, and must fail again.
                let isOver = (try? borrow(pending, receive)) == nil
                precondition(isOver, "a handshake went on after its end")
                return
            }
        }
        precondition(pending.count < maxMessage, "it waits for more than the longest message")
    }
}

/// Calls a closure with an array's bytes and rethrows its typed error, which `withUnsafeBytes` does not do.
func borrow<R, E>(_ bytes: [UInt8], _ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
    let result = bytes.withUnsafeBytes { bytes -> Result<R, E> in
        do throws(E) { return .success(try body(bytes)) } catch { return .failure(error) }
    }
    return try result.get()
}
