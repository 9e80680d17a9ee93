import EventIO
import SystemPackage

/// A listening socket that this process hands over to a process that succeeds it.
struct HandedListener {
    let purpose: ListenerPurpose
    let address: SocketAddress
    /// A duplicate of the socket; the receiver closes it.
    let file: FileDescriptor
}
