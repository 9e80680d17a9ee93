import CryptoPrimitives
import Testing

struct CryptoEnvironmentTests {
    @Test func preparingTwiceReportsTheSame() throws {
        let first = try CryptoEnvironment.prepare()
        let second = try CryptoEnvironment.prepare()
        #expect(first.libraryVersion.hasPrefix("OpenSSL 3."))
        #expect(first.libraryVersion == second.libraryVersion)
        #expect(first.secretMemory == second.secretMemory)
    }

    @Test func aFailureLeavesNoStaleErrorInTheQueue() throws {
        let cipher = try AES256GCM(key: SecretBytes([UInt8](repeating: 1, count: 32)))
        let forged = SealedText(text: [1, 2, 3], tag: [UInt8](repeating: 0, count: 16))
        let nonce = Nonce96(iv: [UInt8](0..<12))
        var offCurve = [UInt8](repeating: 1, count: P521.pointCount)
        offCurve[0] = 4
        offCurve[1] = 0
        var reasons: Set<String> = []
        for _ in 0..<3 {
            #expect(!cipher.open(forged, header: [], nonce: nonce).accepted)
            #expect(!cipher.verify(forged, header: [], nonce: nonce))
            do throws(CryptoFailure) {
                _ = try P521.Point(encoded: offCurve)
                Issue.record("accepted a point that is not on the curve")
            } catch {
                #expect(error.operation == "EC_POINT_oct2point")
                reasons.insert(error.reason)
            }
        }
        #expect(reasons.count == 1)
        #expect(reasons.first?.contains("point is not on curve") == true)
    }
}
