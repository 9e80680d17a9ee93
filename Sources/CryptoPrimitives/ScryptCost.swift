/// What one password guess costs, in scrypt's three parameters (RFC 7914, section 2).
///
/// Time and memory both grow with `N · r`; the memory is `128 · N · r` bytes, 128 MiB for `scrypt:17:8:1`.
package struct ScryptCost: Hashable, Sendable {
    /// The values of `logN` that are taken from text.
    ///
    /// Below 15 (32 MiB) guessing becomes cheap; above 20 (1 GiB) whoever writes the text can exhaust whoever
    /// reads it.
    package static let acceptedLogN = 15...20

    /// The base-2 logarithm of scrypt's N.
    package let logN: Int

    /// The block size, scrypt's r.
    package let r: Int

    /// The number of independent lanes, scrypt's p.
    package let p: Int

    /// Takes any parameters; whether scrypt can run with them shows when it does.
    package init(logN: Int, r: Int, p: Int) {
        self.logN = logN
        self.r = r
        self.p = p
    }

    /// Reads a text such as "scrypt:17:8:1", which may come from a stranger.
    ///
    /// Nil unless `logN` is in ``acceptedLogN``, `r` is 8 and `p` is 1.
    ///
    /// - Parameter text: Exactly what ``text`` would give: no spaces, signs or leading zeros.
    package init?(text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 4, let logN = Int(parts[1]), Self.acceptedLogN.contains(logN) else { return nil }
        self.init(logN: logN, r: 8, p: 1)
        guard text == self.text else { return nil }
    }

    /// The parameters as text, such as "scrypt:17:8:1".
    package var text: String { "scrypt:\(logN):\(r):\(p)" }
}
