import Basics
import CryptoPrimitives
import EventIO
import Foundation
import ProtocolCore
import ProtocolCoreTesting
import Synchronization
import Testing

@testable import SecureLink

@Suite struct CredentialStoreTests {
    private func store(realm: String? = nil) throws -> CredentialStore {
        try CredentialStore(user: "alice", password: LoginPassword(Array("secret".utf8)), realm: realm)
    }

    @Test func callersAtTheSameTimeShareOneStretching() throws {
        let store = try store()
        let realm = try #require(Realm("example"))
        let answers = Mutex<[ClientCredential]>([])
        let done = ThreadSemaphore()
        for _ in 0..<8 {
            store.stretch(for: realm, at: ScryptCost(logN: 15, r: 8, p: 1)) { result in
                if case .success(let credential) = result { answers.withLock { $0.append(credential) } }
                done.post()
            }
        }
        for _ in 0..<8 { done.wait() }
        let credentials = answers.withLock { $0 }
        #expect(credentials.count == 8)
        // All have the same secret object: it was made once.
        #expect(credentials.allSatisfy { $0.secret.w0 === credentials[0].secret.w0 })
        #expect(store.credential?.secret.w0 === credentials[0].secret.w0)
    }

    @Test func anotherRealmReplacesTheCredential() throws {
        let store = try store()
        let done = ThreadSemaphore()
        for name in ["first", "second"] {
            let realm = try #require(Realm(name))
            store.stretch(for: realm, at: ScryptCost(logN: 15, r: 8, p: 1)) { _ in done.post() }
            done.wait()
            #expect(store.credential?.realm == realm)
        }
    }

    @Test func aServerThatNamesAnotherRealmEachTimeCostsOneThread() throws {
        let store = try store()
        let done = ThreadSemaphore()
        let served = Mutex<[Realm]>([])
        let before = try threads()
        for index in 0..<30 {
            let realm = try #require(Realm("realm \(index)"))
            store.stretch(for: realm, at: ScryptCost(logN: 15, r: 8, p: 1)) { result in
                if case .success(let credential) = result { served.withLock { $0.append(credential.realm) } }
                done.post()
            }
        }
        // Other tests start threads meanwhile.
        #expect(try threads() - before < 20)
        for _ in 0..<30 { done.wait() }
        // All callers are called back, after one or two stretchings.
        let realms = served.withLock { Set($0) }
        #expect(realms.count <= 2)
        #expect(realms.contains(try #require(Realm("realm 29"))))
    }

    private func threads() throws -> Int {
        try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task").count
    }

    @Test func theWaitAfterARefusalDoublesUpToAMinute() throws {
        let store = try store()
        var now = Instant.seconds(1000)
        var last = Duration.zero
        #expect(store.delayAfterRefusal(at: now) == .zero)
        for step in 0..<10 {
            store.noteRefusal(at: now)
            let delay = store.delayAfterRefusal(at: now)
            #expect(delay >= min(.seconds(60), .seconds(1 << min(step, 6))))
            #expect(delay <= .seconds(75))
            #expect(step > 6 || delay > last)
            last = delay
            now = now + .seconds(delay.components.seconds + 1)
        }
        store.noteSuccess()
        #expect(store.delayAfterRefusal(at: now) == .zero)
    }

    @Test func refusalsOfLinksDialledTogetherCountAsOne() throws {
        let store = try store()
        let now = Instant.seconds(1000)
        for _ in 0..<5 { store.noteRefusal(at: now) }
        #expect(store.delayAfterRefusal(at: now) < .seconds(2))
    }

    @Test func anInvalidUserOrRealmIsRefused() {
        #expect(throws: CredentialFault.self) {
            try CredentialStore(user: "a/b/c", password: LoginPassword(Array("x".utf8)), realm: nil)
        }
        #expect(throws: CredentialFault.self) {
            try CredentialStore(user: "alice", password: LoginPassword(Array("x".utf8)), realm: "")
        }
    }
}
