import Basics
import SecureLink
import Vocabulary
import WireCoding

/// The loop's side of a byte stream.
///
/// It holds the public ``ByteStream`` weakly: when the application has released it, no task reads or writes any more.
/// Confined to the loop's thread.
final class ByteStreamEnd: StreamEndpoint {
    private let id: UInt64
    private unowned let driver: ConnectionDriver
    private let outbox: Outbox
    private weak var stream: ByteStream?
    var link: LinkStream?
    private var isOutwardFinished = false
    private var isInwardFinished = false
    /// The number of received bytes that have not been read.
    ///
    /// While there are any, the stream counts against the other end's limit on streams.
    private var unread = 0
    /// The task of the handler, if this end serves the stream.
    var task: Task<Void, Never>?

    init(_ id: UInt64, _ stream: ByteStream, _ driver: ConnectionDriver) {
        self.id = id
        self.driver = driver
        self.stream = stream
        outbox = stream.outbox
    }

    func wake() {
        link?.setReady()
    }

    func consumed(_ count: Int) {
        unread -= count
        link?.consumed(count)
        leaveIfOver()
    }

    /// Handles that the application has released the stream.
    ///
    /// If it had finished the outgoing direction, written bytes are still sent. Received bytes are discarded.
    func abandon(unread: Int) {
        if outbox.isFinishing { consumed(unread) } else { reset() }
    }

    func reset() {
        guard link != nil else { return }
        end(SallyportError(.closed, "the stream was reset here"))
    }

    func fill(_ segments: UnsafeMutableBufferPointer<MemorySegment>) -> StreamFill {
        let (count, rest) = outbox.take(into: segments)
        switch rest {
        case .more: return StreamFill(count, .more)
        case .drained: return StreamFill(count, .drained)
        case .finished:
            isOutwardFinished = true
            driver.connection.loop.perform(.byteStream(id, of: driver.connection.id, .leaveIfOver))
            return StreamFill(count, .finished)
        }
    }

    func receive(_ bytes: UnsafeRawBufferPointer) -> Bool {
        if let stream {
            unread += bytes.count
            stream.arrived(bytes)
        } else {
            link?.consumed(bytes.count)
        }
        return false
    }

    func deliver() {}

    func receiveEnd() {
        isInwardFinished = true
        stream?.ended()
        leaveIfOver()
    }

    func targetAnswered(_ failure: StreamFailure?) {
        if let failure { end(SallyportError(failure)) }
    }

    func streamReset(_ failure: StreamFailure) {
        end(SallyportError(failure))
    }

    func sessionEnded(_ reason: SessionEnd) {
        stream?.failed(SallyportError(reason))
        task?.cancel()
        link = nil
        driver.byteStreams[id] = nil
    }

    func leaveIfOver() {
        guard isOutwardFinished, isInwardFinished, unread == 0 else { return }
        link?.release()
        link = nil
        driver.byteStreams[id] = nil
    }

    private func end(_ failure: SallyportError) {
        stream?.wasReset(failure)
        task?.cancel()
        link?.release()
        link = nil
        driver.byteStreams[id] = nil
    }
}

extension SallyportError {
    fileprivate init(_ failure: StreamFailure) {
        switch failure {
        case .noService, .forbidden, .refused, .unreachable, .unresolved:
            self.init(.noService, "the other end does not serve the stream: \(failure.name)", cause: failure)
        default: self.init(.closed, "the stream was reset: \(failure.name)", cause: failure)
        }
    }
}

extension ConnectionDriver {
    /// Opens a stream, now or when there is a link again.
    func openBytes(_ opening: OpenRequest) {
        // If the session ends in this loop turn, the connection gets the reason at the end of the turn.
        let isEnding = (isBroken || !session.isOpen) && connection.endReason == nil
        if !isEnding, session.isAttached || !session.isOpen {
            opening.opened(openBytes(opening.service))
        } else {
            openings.append(opening)
        }
    }

    /// Cancels a call that waits for its stream to be opened.
    func withdrawOpening(_ number: UInt64) {
        guard let index = openings.firstIndex(where: { $0.number == number }) else { return }
        openings.remove(at: index).opened(.failure(.cancelled))
    }

    /// Opens the streams that waited for a link, or fails them if the session is over.
    func openWaiting() {
        let waiting = openings
        openings = []
        for opening in waiting { openBytes(opening) }
    }

    func openBytes(_ service: String) -> Result<ByteStream, SallyportError> {
        let (stream, end) = makeBytes(service)
        guard let link = session.open(StreamRequest(service: service), for: end) else {
            byteStreams[stream.id] = nil
            let refusal = SallyportError(.refused, "no stream can be opened now: there are too many")
            return .failure(connection.endReason ?? refusal)
        }
        end.link = link
        return .success(stream)
    }

    /// Accepts a stream that the other end has opened; returns `nil` if there is no handler for the service.
    func acceptBytes(_ link: LinkStream, _ service: String) -> (any StreamEndpoint)? {
        guard let handler = connection.local[service: service] else { return nil }
        let (stream, end) = makeBytes(service)
        end.link = link
        link.reportTarget(nil)
        let connection = connection
        end.task = Task {
            do {
                try await handler(stream, connection)
                stream.finish()
            } catch {
                stream.reset()
            }
        }
        return end
    }

    private func makeBytes(_ service: String) -> (ByteStream, ByteStreamEnd) {
        nextByteStream += 1
        let stream = ByteStream(nextByteStream, service, connection)
        let end = ByteStreamEnd(nextByteStream, stream, self)
        byteStreams[nextByteStream] = end
        return (stream, end)
    }
}
