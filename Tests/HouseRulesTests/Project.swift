import Foundation
import Testing

/// The files of this package, as the rules read them.
enum Project {
    /// The folder of `Package.swift`.
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// A file with its path from the root.
    struct File: CustomTestStringConvertible {
        let path: String
        let text: String

        var lines: [Substring] { text.split(separator: "\n", omittingEmptySubsequences: false) }
        var testDescription: String { path }

        /// The second part of the path: the target, for a file of `Sources`.
        var target: String {
            let parts = path.split(separator: "/")
            return parts.count > 1 ? String(parts[1]) : ""
        }
    }

    /// A file that has to exist; a missing one has an empty text, so that every rule about its text fails.
    static func file(_ path: String) -> File {
        let data = FileManager.default.contents(atPath: root.appending(path: path).path)
        return File(path: path, text: String(decoding: data ?? Data(), as: UTF8.self))
    }

    /// All files below a folder whose names end in a suffix; hidden files and build products are left out.
    static func files(below folder: String, endingIn suffix: String) -> [File] {
        paths(below: folder).filter { $0.hasSuffix(suffix) }.map(file)
    }

    /// Every file that people read: sources, documents and the example.
    static let texts = [".swift", ".md", ".c", ".h", ".example"].flatMap { files(below: "", endingIn: $0) }

    /// The names of the folders in a folder.
    static func folders(in folder: String) -> [String] {
        names(in: folder).filter { isFolder("\(folder)/\($0)") }
    }

    /// Whether a file or folder exists.
    static func exists(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: root.appending(path: path).path)
    }

    private static func paths(below folder: String) -> [String] {
        names(in: folder).flatMap { name -> [String] in
            let path = folder.isEmpty ? name : "\(folder)/\(name)"
            return isFolder(path) ? paths(below: path) : [path]
        }
    }

    private static func names(in folder: String) -> [String] {
        let found = try? FileManager.default.contentsOfDirectory(atPath: root.appending(path: folder).path)
        return (found ?? []).filter { !$0.hasPrefix(".") }.sorted()
    }

    private static func isFolder(_ path: String) -> Bool {
        var isFolder: ObjCBool = false
        let exists = FileManager.default.fileExists(
            atPath: root.appending(path: path).path,
            isDirectory: &isFolder
        )
        return exists && isFolder.boolValue
    }
}
