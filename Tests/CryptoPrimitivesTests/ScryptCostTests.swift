import CryptoPrimitives
import Testing

struct ScryptCostTests {
    @Test(arguments: 15...20) func everyAcceptedCostReadsBackAsItWasWritten(logN: Int) throws {
        let cost = ScryptCost(logN: logN, r: 8, p: 1)
        #expect(cost.text == "scrypt:\(logN):8:1")
        #expect(ScryptCost(text: cost.text) == cost)
    }

    @Test(arguments: [
        "", "scrypt", "scrypt:17", "scrypt:17:8", "scrypt:17:8:1:", "scrypt:17:8:1:1", ":17:8:1",
        "scrypt::8:1",
        "scrypt:14:8:1", "scrypt:21:8:1", "scrypt:-17:8:1", "scrypt:0:8:1", "scrypt:99999999999999999999:8:1",
        "scrypt:17:16:1", "scrypt:17:8:2", "scrypt:17:0:1", "scrypt:017:8:1", "scrypt:+17:8:1",
        "scrypt:17:08:1",
        " scrypt:17:8:1", "scrypt:17:8:1 ", "scrypt:17:8:1\n", "scrypt: 17:8:1", "Scrypt:17:8:1",
        "argon2:17:8:1",
        "scrypt:17:8:1\u{0}", "scrypt:１７:8:1", "scrypt:0x11:8:1",
    ])
    func anyOtherTextIsRefused(text: String) {
        #expect(ScryptCost(text: text) == nil)
    }
}
