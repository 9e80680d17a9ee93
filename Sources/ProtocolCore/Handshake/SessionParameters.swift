import WireCoding

/// The limits on what an end receives, which it announces in its hello (PROTOCOL.md, PARAMS).
package struct SessionParameters: Hashable, Sendable {
    /// The longest plaintext of a record, in bytes: 1,024 to 65,536.
    package var maxRecord: UInt32
    /// The number of bytes that the peer may send on a new stream before it gets more credit.
    package var streamWindow: UInt32
    /// The number of bytes that the peer may send on all streams together before it gets more credit.
    package var sessionWindow: UInt32
    /// The number of streams that the peer may open in total before it is allowed more.
    package var maxStreams: UInt32
    /// The number of seconds without a stream after which the session may be closed; 0 means never.
    package var idleSeconds: UInt16
    /// The optional features of this end; unknown bits are ignored.
    package var features: SessionFeatures

    package init(
        maxRecord: UInt32 = UInt32(SessionDefaults.maxRecord),
        streamWindow: UInt32 = UInt32(SessionDefaults.streamWindow),
        sessionWindow: UInt32 = UInt32(SessionDefaults.sessionWindow),
        maxStreams: UInt32 = UInt32(SessionDefaults.maxStreams),
        idleSeconds: UInt16 = 0,
        features: SessionFeatures = []
    ) {
        self.maxRecord = maxRecord
        self.streamWindow = streamWindow
        self.sessionWindow = sessionWindow
        self.maxStreams = maxStreams
        self.idleSeconds = idleSeconds
        self.features = features
    }

    /// The size of the encoded form, in bytes.
    package static let encodedCount = 24

    /// The allowed values of ``maxRecord``.
    ///
    /// Smaller: the header costs too much. Larger: one record holds up others, and the longer a record is, the less its
    /// authentication is worth.
    package static let recordRange: ClosedRange<UInt32> = 1024...65536

    /// The encoded form.
    package var encoded: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.encodedCount)
        bytes.append(bigEndian: maxRecord)
        bytes.append(bigEndian: streamWindow)
        bytes.append(bigEndian: sessionWindow)
        bytes.append(bigEndian: maxStreams)
        bytes.append(bigEndian: idleSeconds)
        bytes.append(bigEndian: UInt16(0))
        bytes.append(bigEndian: features.rawValue)
        return bytes
    }

    /// Parses the encoded form; `nil` if it has another size, a record size out of range or a reserved bit set.
    package init?(_ bytes: UnsafeRawBufferPointer) {
        var reader = ByteReader(bytes)
        guard
            let maxRecord = reader.uint32(), let streamWindow = reader.uint32(),
            let sessionWindow = reader.uint32(), let maxStreams = reader.uint32(),
            let idleSeconds = reader.uint16(), let reserved = reader.uint16(), let features = reader.uint32(),
            reader.isAtEnd, reserved == 0, Self.recordRange.contains(maxRecord)
        else { return nil }
        self.init(
            maxRecord: maxRecord,
            streamWindow: streamWindow,
            sessionWindow: sessionWindow,
            maxStreams: maxStreams,
            idleSeconds: idleSeconds,
            features: SessionFeatures(rawValue: features)
        )
    }
}

/// The optional features of an end; a feature is used only if both ends have it (PROTOCOL.md, PARAMS).
package struct SessionFeatures: OptionSet, Hashable, Sendable {
    package let rawValue: UInt32

    package init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    /// The end keeps a session whose link was lost, and resumes it on another one (PROTOCOL.md, Resumption).
    package static let resume = SessionFeatures(rawValue: 1 << 0)
}
