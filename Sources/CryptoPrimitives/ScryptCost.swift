/// The cost of one password guess, as the three parameters of scrypt (RFC 7914, section 2).
///
/// Time and memory both grow with `N · r`; the memory is `128 · N · r` bytes, 128 MiB for `scrypt:17:8:1`.
package struct ScryptCost: Hashable, Sendable {
    /// The values of `logN` that are accepted from text.
    ///
    /// Smaller than 15 (32 MiB): guessing becomes cheap. Larger than 20 (1 GiB): the author of the text could exhaust the memory
    /// of its reader.
    package static let acceptedLogN = 15...20

    /// The base-2 logarithm of scrypt's N.
    package let logN: Int

    /// The block size, scrypt's r.
    package let r: Int

    /// The number of independent lanes, scrypt's p.
    package let p: Int

    /// Creates a cost without checking it; scrypt itself fails if it cannot run with the parameters.
    package init(logN: Int, r: Int, p: Int) {
        self.logN = logN
        self.r = r
        self.p = p
    }

    /// Reads a text such as "scrypt:17:8:1", which may come from an unauthenticated peer.
    ///
    /// Nil unless `logN` is in ``acceptedLogN``, `r` is 8 and `p` is 1.
    ///
    /// - Parameter text: Exactly the form of ``text``: no spaces, signs or leading zeros.
    package init?(text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 4, let logN = Int(parts[1]), Self.acceptedLogN.contains(logN) else { return nil }
        self.init(logN: logN, r: 8, p: 1)
        guard text == self.text else { return nil }
    }

    /// The parameters as text, such as "scrypt:17:8:1".
    package var text: String { "scrypt:\(logN):\(r):\(p)" }
}
