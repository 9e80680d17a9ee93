/// The content of an OPEN: a service, and the known facts about the visitor.
///
/// The core limits the length of each text when it encodes the request (PROTOCOL.md, OPEN).
package struct StreamRequest: Hashable, Sendable {
    /// The name of the service: 1 to 64 bytes of UTF-8 without control characters.
    package var service: String
    /// The visitor's address, as text; empty if it is not sent.
    package var source: String
    /// The address that the visitor asked for, as text; empty if it is not sent.
    package var destination: String
    /// The name of the stream in the logs of both ends; empty if it is not sent.
    package var trace: String

    package init(service: String, source: String = "", destination: String = "", trace: String = "") {
        self.service = service
        self.source = source
        self.destination = destination
        self.trace = trace
    }
}
