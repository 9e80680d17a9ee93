import EventIO
import SystemPackage

/// A listening socket on its way to a successor of this process.
struct HandedListener {
    let purpose: ListenerPurpose
    let address: SocketAddress
    /// A duplicate of the socket; the receiver closes it.
    let file: FileDescriptor
}
