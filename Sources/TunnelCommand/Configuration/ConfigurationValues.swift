import ConfigurationFile
import EventIO
import Tunnel

/// The second step of decoding: one value, or the values of one key, with their faults at their places.
extension ConfigurationDecoder {
    /// The value of a setting with a single value, or a given one if it is not there or cannot be read.
    mutating func value<Output>(
        _ setting: Setting,
        in scope: ConfigurationScope,
        default value: Output,
        _ decode: (Value.Item) throws(ValueFault) -> Output
    ) -> Output {
        guard let entry = scope.entries[setting]?.first else { return value }
        guard let item = single(entry, setting, scope) else { return value }
        places.values[.init(part: scope.part, setting: setting)] = [item.location]
        do {
            return try decode(item)
        } catch {
            report(error, at: item.location, setting, scope)
            return value
        }
    }

    /// The same for a setting that has to be there: if it is not, that is reported.
    mutating func required<Output>(
        _ setting: Setting,
        in scope: ConfigurationScope,
        standIn: Output,
        _ decode: (Value.Item) throws(ValueFault) -> Output
    ) -> Output {
        if scope.entries[setting] == nil {
            reportMissing(setting, in: scope)
        }
        return value(setting, in: scope, default: standIn, decode)
    }

    /// The values of a setting that is a list: of all its entries, and of all their items.
    mutating func values<Output>(
        _ setting: Setting,
        in scope: ConfigurationScope,
        _ decode: (Value.Item) throws(ValueFault) -> Output
    ) -> [Output] {
        var values: [Output] = []
        var locations: [SourceLocation] = []
        for entry in scope.entries[setting] ?? [] {
            if entry.value.items.isEmpty {
                reportEmpty(entry, setting, scope)
            }
            for item in entry.value.items {
                guard !item.text.isEmpty || item.isQuoted else {
                    report(
                        ValueFault("an empty value in a list", hint: "remove the comma"),
                        at: item.location,
                        setting,
                        scope
                    )
                    continue
                }
                do {
                    values.append(try decode(item))
                    locations.append(item.location)
                } catch {
                    report(error, at: item.location, setting, scope)
                }
            }
        }
        places.values[.init(part: scope.part, setting: setting)] = locations
        return values
    }

    private mutating func single(
        _ entry: Entry,
        _ setting: Setting,
        _ scope: ConfigurationScope
    ) -> Value.Item? {
        if let item = entry.value.single { return item }
        if entry.value.items.isEmpty {
            reportEmpty(entry, setting, scope)
        } else {
            report(
                ValueFault(
                    "`\(setting.rawValue)` has one value, and this is a list",
                    hint: "put the whole value into quotes"
                ),
                at: entry.value.location,
                setting,
                scope
            )
        }
        return nil
    }

    // MARK: - Reporting

    private mutating func reportEmpty(_ entry: Entry, _ setting: Setting, _ scope: ConfigurationScope) {
        let example = ConfigurationKey(setting).example
        report(
            ValueFault(
                "`\(setting.rawValue)` has no value",
                hint: "write `\(setting.rawValue) = \(example)`"
            ),
            at: entry.value.location,
            setting,
            scope
        )
    }

    mutating func reportMissing(_ setting: Setting, in scope: ConfigurationScope) {
        reported.insert(.init(part: scope.part, setting: setting))
        diagnostics.append(
            Diagnostic(
                .error,
                at: places.headers[scope.part],
                "`\(setting.rawValue)` is missing in \(scope.title)",
                hint: "add `\(setting.rawValue) = \(ConfigurationKey(setting).example)`"
            )
        )
    }

    mutating func report(
        _ fault: ValueFault,
        at location: SourceLocation,
        _ setting: Setting,
        _ scope: ConfigurationScope,
        remedy: Diagnostic.Remedy = .text,
        concealedFrom: Int? = nil
    ) {
        reported.insert(.init(part: scope.part, setting: setting))
        diagnostics.append(
            Diagnostic(
                .error,
                at: location,
                fault.message,
                hint: fault.hint,
                remedy: remedy,
                concealedFrom: concealedFrom
            )
        )
    }

    // MARK: - Forms

    /// Reads an endpoint, and says so where one is meant that a later version will have.
    static func endpoint(_ text: String, for use: Endpoint.Use) throws(ValueFault) -> Endpoint {
        let lowered = text.lowercased()
        if lowered == "stdio" || lowered == "any" || lowered.hasPrefix("systemd:") {
            throw ValueFault(
                "`\(text)` is not an address in this version",
                hint: "write `HOST:PORT` or `unix:/PATH`"
            )
        }
        do {
            return try Endpoint(parsing: text, for: use)
        } catch {
            throw ValueFault(error.message, hint: error.hint)
        }
    }
}

extension ConfigurationSurroundings {
    /// Reads a path as seen from the file it stands in.
    func path(_ item: Value.Item) throws(ValueFault) -> String {
        guard !item.text.isEmpty else { throw ValueFault("the path is empty") }
        return path(item.text, namedIn: item.location.file.name)
    }
}
