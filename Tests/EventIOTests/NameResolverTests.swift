import Testing

@testable import EventIO

@Suite struct NameResolverTests {
    @Test func aNameIsLookedUpOutsideOfTheLoop() throws {
        try withLoop { loop, done in
            loop.resolve(.tcp(host: "localhost", port: 4711)) { result in
                switch result {
                case .success(let addresses):
                    let isRight = !addresses.isEmpty && addresses.allSatisfy { $0.port == 4711 }
                    done(isRight ? nil : "\(addresses)")
                case .failure(let failure): done(failure.description)
                }
            }
            return nil
        }
    }

    @Test func theErrorForANameWithoutAnAddressNamesIt() throws {
        try withLoop { loop, done in
            loop.resolve(.tcp(host: "no-such-name.invalid", port: 1)) { result in
                guard case .failure(let failure) = result else {
                    done("it has an address")
                    return
                }
                done(failure.host == "no-such-name.invalid" ? nil : failure.description)
            }
            return nil
        }
    }
}
