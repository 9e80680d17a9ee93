import SecureLink
import Testing

@testable import Tunnel

@Suite struct PeerStatusTests {
    @Test func aChangeIsLoggedOnceForAllWorkers() {
        let status = PeerStatus()
        #expect(status.sessionUp())
        #expect(!status.sessionUp())
        status.sessionDown()
        #expect(!status.failed(.timeout), "one session is still there")
        status.sessionDown()
        #expect(status.failed(.timeout))
        #expect(!status.failed(.timeout))
        #expect(!status.failed(.timeout))
        #expect(status.sessionUp())
    }

    @Test func anotherReasonIsLogged() {
        let status = PeerStatus()
        #expect(status.failed(.unreachable("connect 10.0.0.1:7: refused")))
        #expect(status.failed(.passwordRefused))
        #expect(!status.failed(.passwordRefused))
    }
}
