import EventIO
import SystemPackage

/// A listening socket that this process hands over to its successor.
struct HandedListener {
    let purpose: ListenerPurpose
    let address: SocketAddress
    /// A duplicate of the socket; the receiver closes it.
    let file: FileDescriptor
}
