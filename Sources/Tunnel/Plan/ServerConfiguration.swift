package import EventIO

/// The end that peers dial: its listening addresses and its users.
package struct ServerConfiguration: Hashable, Sendable {
    /// The addresses where links are accepted; at least one.
    package var listen: [Endpoint]
    /// The path of the file with the verifiers of all users, which also holds the realm.
    package var passwordFile: String
    /// The settings of accepted links.
    package var link: LinkSettings

    /// A server; omitted values have their defaults.
    package init(listen: [Endpoint], passwordFile: String, link: LinkSettings = LinkSettings()) {
        self.listen = listen
        self.passwordFile = passwordFile
        self.link = link
    }
}
