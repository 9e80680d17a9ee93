import ConfigurationFile
import EventIO
import Tunnel

/// The groups of settings that several kinds of sections share, and the decoding of their values.
extension ConfigurationDecoder {
    mutating func readLinkSettings(in scope: ConfigurationScope, defaults: LinkSettings) -> LinkSettings {
        var link = defaults
        link.handshakeTimeout = duration(.handshakeTimeout, in: scope, default: link.handshakeTimeout)
        link.keepalive = value(.keepalive, in: scope, default: link.keepalive) { item throws(ValueFault) in
            try Self.keepalive(item.text)
        }
        link.chunk = byteSize(.chunk, in: scope, default: link.chunk)
        link.maxRecord = byteSize(.maxRecord, in: scope, default: link.maxRecord)
        link.window = value(.window, in: scope, default: link.window) { item throws(ValueFault) in
            let (initial, maximum) = try ValueDecoding.pair(item.text)
            return LinkSettings.Window(
                initial: try ByteSizeText.parse(initial),
                maximum: try maximum.map(ByteSizeText.parse) ?? defaults.window.maximum
            )
        }
        link.resumption.window = duration(.resumeWindow, in: scope, default: link.resumption.window)
        link.resumption.buffer = value(.resumeBuffer, in: scope, default: link.resumption.buffer) {
            item throws(ValueFault) in
            item.text.lowercased() == "off" ? 0 : try ByteSizeText.parse(item.text)
        }
        return link
    }

    mutating func readStreamSettings(in scope: ConfigurationScope, defaults: StreamSettings) -> StreamSettings
    {
        var stream = defaults
        stream.connectTimeout = duration(.connectTimeout, in: scope, default: stream.connectTimeout)
        stream.idleTimeout = value(.idleTimeout, in: scope, default: stream.idleTimeout) {
            item throws(ValueFault) in
            try DurationText.parseOrOff(item.text)
        }
        stream.halfCloseTimeout = value(.halfCloseTimeout, in: scope, default: stream.halfCloseTimeout) {
            item throws(ValueFault) in
            try DurationText.parseOrOff(item.text)
        }
        return stream
    }

    private static func keepalive(_ text: String) throws(ValueFault) -> LinkSettings.Keepalive {
        guard text.lowercased() != "off" else {
            throw ValueFault(
                "`keepalive` cannot be off: the loss of a peer that does not close its links would never be detected",
                hint: "use long times instead, as in `5m/15m`"
            )
        }
        let (first, second) = try ValueDecoding.pair(text)
        let interval = try DurationText.parse(first)
        guard let second else {
            return LinkSettings.Keepalive(
                interval: interval,
                dead: interval * LinkSettings.Keepalive.deadPerInterval
            )
        }
        return LinkSettings.Keepalive(interval: interval, dead: try DurationText.parse(second))
    }

    // MARK: - Forms

    mutating func integer(_ setting: Setting, in scope: ConfigurationScope, default standard: Int) -> Int {
        value(setting, in: scope, default: standard) { item throws(ValueFault) in
            try ValueDecoding.integer(item.text)
        }
    }

    mutating func byteSize(_ setting: Setting, in scope: ConfigurationScope, default standard: Int) -> Int {
        value(setting, in: scope, default: standard) { item throws(ValueFault) in
            try ByteSizeText.parse(item.text)
        }
    }

    mutating func duration(
        _ setting: Setting,
        in scope: ConfigurationScope,
        default standard: Duration
    ) -> Duration {
        value(setting, in: scope, default: standard) { item throws(ValueFault) in
            try DurationText.parse(item.text)
        }
    }

    mutating func word<Word: CaseIterable & RawRepresentable<String>>(
        _ setting: Setting,
        in scope: ConfigurationScope,
        default standard: Word
    ) -> Word {
        value(setting, in: scope, default: standard) { item throws(ValueFault) in
            let words = Array(Word.allCases)
            return words[try ValueDecoding.word(item.text, of: words.map(\.rawValue))]
        }
    }

    mutating func requiredEndpoints(
        _ setting: Setting,
        in scope: ConfigurationScope,
        _ use: Endpoint.Use
    ) -> [Endpoint] {
        if scope.entries[setting] == nil {
            reportMissing(setting, in: scope)
        }
        return values(setting, in: scope) { item throws(ValueFault) in
            try Self.endpoint(item.text, for: use)
        }
    }

    /// The absolute path of a file that must be safe enough to hold a secret.
    mutating func secretFile(_ setting: Setting, in scope: ConfigurationScope, isRequired: Bool) -> String {
        if isRequired, scope.entries[setting] == nil {
            reportMissing(setting, in: scope)
        }
        let surroundings = surroundings
        let path = value(setting, in: scope, default: "/-") { item throws(ValueFault) in
            try surroundings.path(item)
        }
        let slot = ConfigurationPlaces.Slot(part: scope.part, setting: setting)
        if !reported.contains(slot), let location = places.values[slot]?.first,
            let fault = surroundings.secretFiles.fault(path)
        {
            report(
                ValueFault(fault.message, hint: fault.hint),
                at: location,
                setting,
                scope,
                remedy: fault.remedy
            )
        }
        return path
    }
}
