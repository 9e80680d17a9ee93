public import FoundationEssentials

/// A packet that is handled while it comes: its payload is taken as chunks, and what is not taken slows its sender.
///
/// ```swift
/// server.on(chunksOf: "film") { film, _ in
///     for try await chunk in film.chunks { try file.write(chunk) }
/// }
/// ```
public struct IncomingPacket: Sendable {
    /// What it is about.
    public let action: String
    /// What the payload is, as the sender says.
    public let format: Payload.Format
    /// How many bytes the payload has in all.
    public let byteCount: Int
    /// When it was made, by the sender's clock.
    public let created: Date
    /// Which one it is of those that its sender has sent over this connection.
    public let number: UInt64
    /// The user that the sender has proved to be; at a client, the client's own.
    public let sender: String
    /// The token of the connection that it came over; only the server has tokens.
    public let token: ConnectionToken?
    /// The payload, as it comes.
    ///
    /// Each chunk is given once; what the handler has not taken when it returns is thrown away.
    public let chunks: Chunks

    /// A packet without its payload, which is in `inbox` or will come there.
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

    /// The bytes of a payload, as they come; for one task at a time.
    public struct Chunks: AsyncSequence, Sendable {
        /// What iterating throws: why the connection is over, or ``SallyportError/Code/cancelled``.
        public typealias Failure = SallyportError

        /// So many bytes are a chunk at most.
        static let longest = 64 << 10

        let inbox: ByteInbox

        /// Takes chunks one by one.
        public struct Iterator: AsyncIteratorProtocol {
            let inbox: ByteInbox

            /// The next chunk, 1 byte to 64 KiB; `nil` when all of the payload has been taken.
            public mutating func next() async throws(SallyportError) -> [UInt8]? {
                try await inbox.read(atMost: Chunks.longest)
            }

            /// The next chunk, 1 byte to 64 KiB; `nil` when all of the payload has been taken.
            public mutating func next(
                isolation actor: isolated (any Actor)?
            ) async throws(SallyportError) -> [UInt8]? {
                try await inbox.read(atMost: Chunks.longest)
            }
        }

        /// Begins where nothing has been taken yet.
        public func makeAsyncIterator() -> Iterator { Iterator(inbox: inbox) }
    }
}
