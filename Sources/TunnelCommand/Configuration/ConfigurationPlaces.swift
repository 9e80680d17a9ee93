import ConfigurationFile
import Tunnel

/// The places of the parts of a configuration in the files, to map faults in values back to the text.
struct ConfigurationPlaces {
    /// The start of the first file, for faults about a part that no file has.
    var start: SourceLocation?
    /// The headers of the sections.
    var headers: [ConfigurationFault.Part: SourceLocation] = [:]
    /// The names in the headers.
    var names: [ConfigurationFault.Part: SourceLocation] = [:]
    /// The places of the values of each setting, in the order of the values in the configuration.
    var values: [Slot: [SourceLocation]] = [:]

    /// A setting of a part; a nil setting means the part itself, or its name.
    struct Slot: Hashable {
        let part: ConfigurationFault.Part
        let setting: Setting?
    }

    /// The place of a value; if it comes from a default, the place of the default; if it is missing, the place of its section.
    func location(of part: ConfigurationFault.Part, _ setting: Setting?, at position: Int?) -> SourceLocation?
    {
        guard let setting else { return names[part] ?? headers[part] ?? start }
        for owner in [part, .process] {
            guard let locations = values[Slot(part: owner, setting: setting)] else { continue }
            if let position, locations.indices.contains(position) { return locations[position] }
            if let first = locations.first { return first }
        }
        return headers[part] ?? start
    }
}

extension ConfigurationDecoder {
    /// Reports a fault of a value at its place in the text, unless a fault was already reported there.
    mutating func report(_ fault: ConfigurationFault) {
        guard !reported.contains(.init(part: fault.part, setting: fault.setting)), !isDoubtful(fault) else {
            return
        }
        let notes = fault.other.flatMap { other in
            places.location(of: other.part, other.setting, at: other.position).map { location in
                [Diagnostic.Note(at: location, other.message)]
            }
        }
        diagnostics.append(
            Diagnostic(
                .error,
                at: places.location(of: fault.part, fault.setting, at: fault.position),
                Self.message(of: fault),
                hint: fault.hint,
                notes: notes ?? []
            )
        )
    }

    /// Whether the fault may only result from a header that could not be understood.
    private func isDoubtful(_ fault: ConfigurationFault) -> Bool {
        switch (fault.part, fault.setting) {
        case (.process, nil), (.service(0), nil): hasDoubtfulSection
        case (.route(let route), .peer):
            doubtfulNames.contains(nil) || doubtfulNames.contains(peersOfRoutes[route].lowercased())
        default: false
        }
    }

    private static func message(of fault: ConfigurationFault) -> String {
        switch fault.problem {
        case .rule(let message):
            message
        case .count(let value, let range):
            rangeMessage(fault.setting, "\(value)", "\(range.lowerBound)", "\(range.upperBound)")
        case .bytes(let value, let range):
            rangeMessage(
                fault.setting,
                ByteSizeText.text(value),
                ByteSizeText.text(range.lowerBound),
                ByteSizeText.text(range.upperBound)
            )
        case .duration(let value, let range):
            rangeMessage(
                fault.setting,
                DurationText.text(value),
                DurationText.text(range.lowerBound),
                DurationText.text(range.upperBound)
            )
        }
    }

    private static func rangeMessage(
        _ setting: Setting?,
        _ value: String,
        _ lowest: String,
        _ highest: String
    ) -> String {
        "\(setting.map { "`\($0.rawValue)`" } ?? "this") must be from \(lowest) to \(highest), not \(value)"
    }
}
