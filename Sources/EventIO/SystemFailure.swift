import CLibuv
import Glibc

/// What the system refused: the operation, to what it happened, and the error number.
package struct SystemFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was tried, in a word or two: `connect`, `bind`.
    package let operation: String
    /// What it was tried on, an address or a path; empty when there is none.
    package let subject: String
    /// The system's error number (`ECONNREFUSED`, …).
    package let code: Int32

    package init(_ operation: String, _ subject: String = "", code: Int32) {
        self.operation = operation
        self.subject = subject
        self.code = code
    }

    /// The error number as its name: `ECONNREFUSED`.
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
