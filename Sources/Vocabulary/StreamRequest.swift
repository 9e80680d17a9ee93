/// What the end that opens a stream asks for: a service, and what is known about the visitor.
///
/// The core limits each text when it encodes the request (PROTOCOL.md, OPEN).
package struct StreamRequest: Hashable, Sendable {
    /// The name of the service: 1 to 64 bytes of UTF-8 without control characters.
    package var service: String
    /// The visitor's address, as text; empty when it is not told.
    package var source: String
    /// The address that the visitor asked for, as text; empty when it is not told.
    package var destination: String
    /// Names the stream in the logs of both ends; empty when it is not told.
    package var trace: String

    package init(service: String, source: String = "", destination: String = "", trace: String = "") {
        self.service = service
        self.source = source
        self.destination = destination
        self.trace = trace
    }
}
