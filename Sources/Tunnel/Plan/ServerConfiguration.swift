package import EventIO

/// The end that peers dial: where it listens, and whose passwords it knows.
package struct ServerConfiguration: Hashable, Sendable {
    /// Where links are accepted; at least one.
    package var listen: [Endpoint]
    /// The path of the file with the verifiers of all users, which also holds the realm.
    package var passwordFile: String
    /// How accepted links are treated.
    package var link: LinkSettings

    /// A server; what is left out has its default.
    package init(listen: [Endpoint], passwordFile: String, link: LinkSettings = LinkSettings()) {
        self.listen = listen
        self.passwordFile = passwordFile
        self.link = link
    }
}
