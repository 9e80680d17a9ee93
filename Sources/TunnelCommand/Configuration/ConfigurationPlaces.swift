import ConfigurationFile
import Tunnel

/// Where in the files the parts of a configuration stand, to give faults in values their places back.
struct ConfigurationPlaces {
    /// The start of the first file, for what is missing altogether.
    var start: SourceLocation?
    /// The headers of the sections.
    var headers: [ConfigurationFault.Part: SourceLocation] = [:]
    /// The names in the headers.
    var names: [ConfigurationFault.Part: SourceLocation] = [:]
    /// The values that were read for each setting, in the order in which they are in the configuration.
    var values: [Slot: [SourceLocation]] = [:]

    /// A setting of a part; nil is the part as such, or its name.
    struct Slot: Hashable {
        let part: ConfigurationFault.Part
        let setting: Setting?
    }

    /// The place of a value; of the default it comes from, where it does; or else of the section it is missing in.
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
    /// Tells a fault of the values at its place in the text, unless there is already a complaint about that place.
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

    /// Whether the fault may be nothing but the echo of a header that could not be understood.
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
        "\(setting.map { "`\($0.rawValue)`" } ?? "this") has to be within \(lowest) to \(highest), and \(value) is not"
    }
}
