import CLibuv
import Platform
import SystemPackage

/// An error of a system call: the operation, its object, and the error number.
package struct SystemFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// The operation, in a word or two: `connect`, `bind`.
    package let operation: String
    /// The object of the operation, an address or a path; empty if there is none to name.
    package let subject: String
    /// The system's error number (`ECONNREFUSED`, …).
    package let code: Int32

    package init(_ operation: String, _ subject: String = "", code: Int32) {
        self.operation = operation
        self.subject = subject
        self.code = code
    }

    /// Runs `body`, and adds the operation and its object to an error of the system.
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

    /// The resource that is exhausted, as the log names it: `descriptors`, `watches`, `memory`.
    ///
    /// Nil for any other failure.
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

    /// The system's message for the error number: `connection refused`.
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
