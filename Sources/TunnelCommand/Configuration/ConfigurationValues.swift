import ConfigurationFile
import EventIO
import Tunnel

/// The second step of decoding: read the value or the values of a key, and report faults at their places.
extension ConfigurationDecoder {
    /// The value of a setting with a single value, or the given default if it is missing or cannot be read.
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

    /// The value of a required setting with a single value; reports the setting if it is missing.
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

    /// The values of a setting that is a list: all items of all its entries.
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
                    "`\(setting.rawValue)` takes one value, not a list",
                    hint: "if the comma is part of the value, put the whole value into quotes"
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

    /// Parses an endpoint; forms that are planned for a later version get an error of their own.
    static func endpoint(_ text: String, for use: Endpoint.Use) throws(ValueFault) -> Endpoint {
        let lowered = text.lowercased()
        if lowered == "stdio" || lowered == "any" || lowered.hasPrefix("systemd:") {
            throw ValueFault(
                "this version does not support the address `\(text)`",
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
    /// The absolute path for a path that is relative to its configuration file.
    func path(_ item: Value.Item) throws(ValueFault) -> String {
        guard !item.text.isEmpty else { throw ValueFault("the path is empty") }
        return path(item.text, namedIn: item.location.file.name)
    }
}
