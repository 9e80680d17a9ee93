import Testing

@testable import CryptoPrimitives

struct AEADBackendTests {
    @Test func libcryptoIsAlwaysAvailable() {
        #expect(AEADBackend.libcrypto.name == .libcrypto)
        #expect(AEADBackend.libcrypto.version.hasPrefix("3."))
    }

    @Test func ipsecMBIsTheFastestIfItPassesItsSelfTest() {
        switch AEADBackend.ipsecMB {
        case .success(let backend):
            #expect(backend.name == .ipsecMB)
            #expect(AEADBackend.fastest.name == .ipsecMB)
        case .failure(let failure):
            #expect(AEADBackend.fastest.name == .libcrypto)
            #expect(failure.operation == "ipsec-mb")
            #expect(
                failure.reason.contains("installed") || failure.reason.contains("processor"),
                "\(failure.reason)"
            )
        }
    }

    @Test func anUnavailableBackendIsAnErrorButAutoAlwaysWorks() throws {
        #expect(try AEADChoice.libcrypto.backend().name == .libcrypto)
        #expect(try AEADChoice.auto.backend().name == AEADBackend.fastest.name)
        #expect(
            (try? AEADChoice.ipsecMB.backend().name)
                == AEADBackend.usable.last.flatMap { $0.name == .ipsecMB ? $0.name : nil }
        )
    }

    @Test(arguments: AEADBackend.usable)
    func theSelfTestPasses(backend: AEADBackend) throws {
        try AEADSelfTest(backend).run()
    }

    @Test(arguments: Defect.allCases)
    func aDefectiveLibraryFailsTheSelfTest(defect: Defect) {
        let failure = #expect(throws: CryptoFailure.self) { try AEADSelfTest(defect.backend).run() }
        #expect(failure?.operation == "libcrypto \(AEADBackend.libcrypto.version)")
        #expect(failure?.reason == "its self-test failed: \(defect.finding)")
    }
}

/// Defects that a library can have; each is libcrypto with one wrong call.
enum Defect: CaseIterable {
    case doesNothing
    case forgetsTheHeader
    case isWrongForOneLength
    case opensNothing
    case takesAnyTag
    case showsForgeries
    case authenticatesTooLittle
    case verifiesAnything
    case overruns

    /// The finding of the self-test.
    var finding: String {
        switch self {
        case .doesNothing, .forgetsTheHeader: "the known answer is not sealed to what it must be"
        case .isWrongForOneLength: "513 bytes are not sealed as by libcrypto"
        case .opensNothing: "the known answer is not opened"
        case .takesAnyTag: "a forged tag is taken"
        case .showsForgeries: "the text of a forgery can be read"
        case .authenticatesTooLittle: "1 readable bytes are not authenticated as by libcrypto"
        case .verifiesAnything: "a forged tag is taken"
        case .overruns: "it writes behind its memory"
        }
    }

    var backend: AEADBackend {
        var calls = AEADCalls.libcrypto
        switch self {
        case .doesNothing: calls.seal = { _, _, _, _, _, _, _ in 1 }
        case .forgetsTheHeader:
            calls.seal = { AEADCalls.libcrypto.seal($0, $1, $2, 0, $4, $5, $6) }
        case .isWrongForOneLength:
            calls.seal = {
                let done = AEADCalls.libcrypto.seal($0, $1, $2, $3, $4, $5, $6)
                if $5 == 513, let text = $4 { text.storeBytes(of: 0, as: UInt8.self) }
                return done
            }
        case .opensNothing: calls.open = { _, _, _, _, _, _, _ in 0 }
        case .takesAnyTag:
            calls.open = { key, nonce, header, headerCount, text, count, tag in
                // Counter mode is its own inverse, so sealing also decrypts.
                withUnsafeTemporaryAllocation(byteCount: 16, alignment: 1) { ignored in
                    AEADCalls.libcrypto.seal(
                        key,
                        nonce,
                        header,
                        headerCount,
                        text,
                        count,
                        ignored.baseAddress
                    )
                }
            }
        case .showsForgeries:
            calls.open = { key, nonce, header, headerCount, text, count, tag in
                let kept = [UInt8](UnsafeRawBufferPointer(start: text, count: count))
                let isRight = AEADCalls.libcrypto.open(key, nonce, header, headerCount, text, count, tag)
                if isRight == 0, count > 0 { text?.copyMemory(from: kept, byteCount: count) }
                return isRight
            }
        case .authenticatesTooLittle:
            calls.authenticate = { AEADCalls.libcrypto.authenticate($0, $1, $2, $3, $4, max($5 - 1, 0), $6) }
        case .verifiesAnything: calls.verify = { _, _, _, _, _, _, _ in 1 }
        case .overruns: calls.overran = { _ in 1 }
        }
        return AEADBackend(name: .libcrypto, version: AEADBackend.libcrypto.version, calls: calls)
    }
}
