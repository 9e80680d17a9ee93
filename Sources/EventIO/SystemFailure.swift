import CLibuv
import Platform
import SystemPackage

/// A refusal of the system: the operation, what it was tried on, and the error number.
package struct SystemFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was tried, in a word or two: `connect`, `bind`.
    package let operation: String
    /// What it was tried on, an address or a path; empty when there is nothing to name.
    package let subject: String
    /// The system's error number (`ECONNREFUSED`, …).
    package let code: Int32

    package init(_ operation: String, _ subject: String = "", code: Int32) {
        self.operation = operation
        self.subject = subject
        self.code = code
    }

    /// Runs `body`, and names what it tried when the system refuses.
    static func catching<Result>(
        _ operation: String,
        _ subject: @autoclosure () -> String = "",
        _ body: () throws(Errno) -> Result
    ) throws(SystemFailure) -> Result {
        do throws(Errno) {
            return try body()
        } catch {
            throw SystemFailure(operation, subject(), code: error.rawValue)
        }
    }

    /// What the system or its user has run out of, as the log names it: `descriptors`, `watches`, `memory`; nil for any other
    /// failure.
    package var shortage: String? {
        switch code {
        case EMFILE, ENFILE: "descriptors"
        case ENOSPC where operation == "watch": "watches"
        case ENOMEM, ENOBUFS: "memory"
        default: nil
        }
    }

    /// The name of the error number: `ECONNREFUSED`.
    package var name: String { String(cString: uv_err_name(-code)) }

    /// The error number in words: `connection refused`.
    package var words: String { String(cString: uv_strerror(-code)) }

    package var description: String {
        let what = subject.isEmpty ? operation : "\(operation) \(subject)"
        return "\(what): \(words) (\(name))"
    }
}

extension Int32 {
    /// The name of this error number: `ECONNREFUSED`.
    package var errnoName: String { String(cString: uv_err_name(-self)) }
}
