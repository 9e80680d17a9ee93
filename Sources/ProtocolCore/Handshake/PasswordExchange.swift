package import CryptoPrimitives
import WireCoding

/// SPAKE2+ over P-521 with SHA-512, HKDF and HMAC: RFC 9383, section 3, suite
/// P521-SHA512-HKDF-SHA512-HMAC-SHA512, unmodified.
///
/// The scalar multiplications (0.2 to 0.6 ms each) are jobs: values that any thread can run. The session's thread
/// hands them out and takes their results.
package enum PasswordExchange {
    /// The constant M of RFC 9383, section 4, for P-521.
    ///
    /// It is uncompressed, because taking the square root for every handshake would cost 73 us.
    static let pointM: [UInt8] = constant(
        """
        04003f06f38131b2ba2600791e82488e8d20ab889af753a41806c5db18d37d85608cfae06b82e4a72cd744c7\
        19193562a653ea1f119eef9356907edc9b56979962d7aa01bdd179a3d547610892e9b96dea1eab10bdd7ac5a\
        e0cf75aa0f853bfd185cf782f894301998b11d1898ede2701dca37a2bb50b4f519c3d89a7d054b51fb849121\
        92
        """
    )
    /// The constant N of RFC 9383, section 4, for P-521, uncompressed.
    static let pointN: [UInt8] = constant(
        """
        0400c7924b9ec017f3094562894336a53c50167ba8c5963876880542bc669e494b2532d76c5b53dfb349fdf6\
        9154b9e0048c58a42e8ed04cef052a3bc349d95575cd2501c62bee650c9287a651bb75c7f39a2006873347b7\
        69840d261d17760b107e29f091d556a82a2e4cde0c40b84b95b878db2489ef760206424b3fe7968aa8e0b1f3\
        34
        """
    )

    /// `w0·M` and `w0·N`, encoded.
    static func blinds(of w0: SecretBytes) throws(CryptoFailure) -> (m: [UInt8], n: [UInt8]) {
        let scalar = try P521.Scalar(w0)
        return (
            try P521.Point(encoded: pointM).times(scalar).encoded(),
            try P521.Point(encoded: pointN).times(scalar).encoded()
        )
    }

    private static func constant(_ hex: String) -> [UInt8] {
        let digits = hex.utf8.map {
            $0 >= UInt8(ascii: "a") ? $0 - UInt8(ascii: "a") + 10 : $0 - UInt8(ascii: "0")
        }
        return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }
}

// MARK: - Jobs

/// The client's first half: `X = x·G + w0·M`.
///
/// The client computes it before it dials the link, so that the hello can leave at once.
package struct ProverShare: Sendable {
    /// The secret scalar x, 66 bytes.
    let scalar: SecretBytes
    /// X, 133 bytes.
    package let share: [UInt8]

    /// Computes the share.
    ///
    /// `random` is 66 random bytes, used once.
    package init(credential: ClientCredential, random: SecretBytes) throws(CryptoFailure) {
        guard let x = P521.Scalar(maskedRandom: random) else {
            throw CryptoFailure(operation: "ProverShare", reason: "unusable random bytes")
        }
        scalar = x.bytes
        share = try P521.Point.generator(times: x).plus(P521.Point(encoded: credential.blind)).encoded()
    }
}

/// The client's second half: Z and V from the server's share.
package struct ProverJob: Sendable {
    let scalar: SecretBytes
    let w1: SecretBytes
    let unblind: [UInt8]
    let peerShare: [UInt8]

    /// Computes the products: about 0.6 ms.
    ///
    /// - Returns: `nil` if the peer's share cancels out, which no honest peer's share does.
    package func run() throws(CryptoFailure) -> ExchangeProducts? {
        let point = try P521.Point(encoded: peerShare).minus(P521.Point(encoded: unblind))
        guard !point.isIdentity else { return nil }
        return ExchangeProducts(
            share: [],
            z: SecretBytes(try point.times(P521.Scalar(scalar)).encoded()),
            v: SecretBytes(try point.times(P521.Scalar(w1)).encoded())
        )
    }
}

/// The server's half: Y, Z and V from the client's share.
package struct VerifierJob: Sendable {
    let verifier: Verifier
    let peerShare: [UInt8]
    let random: SecretBytes

    /// Computes the share and the products: about 0.8 ms.
    ///
    /// - Returns: `nil` if the peer's share cancels out, which no honest peer's share does.
    package func run() throws(CryptoFailure) -> ExchangeProducts? {
        guard let y = P521.Scalar(maskedRandom: random) else {
            throw CryptoFailure(operation: "VerifierJob", reason: "unusable random bytes")
        }
        let share = try P521.Point.generator(times: y).plus(P521.Point(encoded: verifier.unblind)).encoded()
        let point = try P521.Point(encoded: peerShare).minus(P521.Point(encoded: verifier.blind))
        guard !point.isIdentity else { return nil }
        return ExchangeProducts(
            share: share,
            z: SecretBytes(try point.times(y).encoded()),
            v: SecretBytes(try P521.Point(encoded: verifier.point).times(y).encoded())
        )
    }
}

/// The result of a job.
package struct ExchangeProducts: Sendable {
    /// The server's own share Y; empty for the client, which computed X earlier.
    let share: [UInt8]
    let z: SecretBytes
    let v: SecretBytes
}

// MARK: - Keys of the exchange

/// The keys that an exchange yields: RFC 9383, section 3.4.
package struct ExchangeKeys: Sendable {
    /// The key of the client's confirmation.
    package let confirmProver: SecretBytes
    /// The key of the server's confirmation.
    package let confirmVerifier: SecretBytes
    /// The secret from which the traffic keys are derived.
    package let shared: SecretBytes
    /// The hash of the transcript.
    package let main: SecretBytes

    /// Derives the keys from the whole transcript of the exchange.
    package init(
        context: [UInt8],
        prover: [UInt8],
        verifier: [UInt8],
        shareP: [UInt8],
        shareV: [UInt8],
        products: ExchangeProducts,
        w0: SecretBytes
    ) throws(CryptoFailure) {
        var hash = DigestContext(.sha512)
        let constants = [PasswordExchange.pointM, PasswordExchange.pointN]
        for part in [context, prover, verifier] + constants + [shareP, shareV] {
            var prefixed: [UInt8] = []
            prefixed.append(lengthPrefixed: part)
            prefixed.withUnsafeBytes { hash.update($0) }
        }
        for secret in [products.z, products.v, w0] {
            withUnsafeBytes(of: UInt64(secret.count).littleEndian) { hash.update($0) }
            secret.withUnsafeBytes { hash.update($0) }
        }
        main = SecretBytes(hash.finalize())
        let root = HKDF.extract(salt: [], input: main)
        let confirmation = try HKDF.expand(key: root, info: Array("ConfirmationKeys".utf8), count: 128)
        confirmProver = confirmation.slice(0..<64)
        confirmVerifier = confirmation.slice(64..<128)
        shared = try HKDF.expand(key: root, info: Array("SharedKey".utf8), count: 64)
    }
}
