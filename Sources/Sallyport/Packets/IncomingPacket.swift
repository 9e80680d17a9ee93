public import FoundationEssentials

/// A packet that a handler receives while its payload arrives, in chunks; chunks that are not read slow the sender down.
///
/// ```swift
/// server.on(chunksOf: "film") { film, _ in
///     for try await chunk in film.chunks { try file.write(chunk) }
/// }
/// ```
public struct IncomingPacket: Sendable {
    /// The action of the packet.
    public let action: String
    /// The format of the payload, as the sender declares it.
    public let format: Payload.Format
    /// The length of the whole payload, in bytes.
    public let byteCount: Int
    /// The time when the packet was made, by the sender's clock.
    public let created: Date
    /// The packet's number; each sender numbers what it sends over a connection.
    public let number: UInt64
    /// The user that the sender has proved to be; at a client, the client's own user.
    public let sender: String
    /// The token of the connection that the packet came over; `nil` at a client, because only the server has tokens.
    public let token: ConnectionToken?
    /// The payload, as it arrives.
    ///
    /// Each chunk is delivered once; chunks that the handler has not read when it returns are discarded.
    public let chunks: Chunks

    /// Creates a packet whose payload is in `inbox` or will arrive there.
    init(_ packet: Packet, byteCount: Int, _ inbox: ByteInbox) {
        action = packet.action
        format = packet.payload.format
        self.byteCount = byteCount
        created = packet.created
        number = packet.number
        sender = packet.sender
        token = packet.token
        chunks = Chunks(inbox: inbox)
    }

    /// The bytes of a payload, as they arrive; only one task at a time may read them.
    public struct Chunks: AsyncSequence, Sendable {
        /// The error that iteration throws: the reason why the connection is over, or ``SallyportError/Code/cancelled``.
        public typealias Failure = SallyportError

        /// The maximum size of a chunk, in bytes.
        static let longest = 64 << 10

        let inbox: ByteInbox

        /// Reads chunks one by one.
        public struct Iterator: AsyncIteratorProtocol {
            let inbox: ByteInbox

            /// Returns the next chunk, 1 byte to 64 KiB, or `nil` when the whole payload has been read.
            public mutating func next() async throws(SallyportError) -> [UInt8]? {
                try await inbox.read(atMost: Chunks.longest)
            }

            /// Returns the next chunk, 1 byte to 64 KiB, or `nil` when the whole payload has been read.
            public mutating func next(
                isolation actor: isolated (any Actor)?
            ) async throws(SallyportError) -> [UInt8]? {
                try await inbox.read(atMost: Chunks.longest)
            }
        }

        /// Creates an iterator, which continues where the last one stopped.
        public func makeAsyncIterator() -> Iterator { Iterator(inbox: inbox) }
    }
}
