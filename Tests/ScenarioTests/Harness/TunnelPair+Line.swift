extension TunnelPair {
    /// A pair with a relay between its ends, which a scenario can cut and disturb.
    static func onALine(
        to target: PlainAddress,
        _ change: (inout Options) -> Void = { _ in }
    ) throws -> (pair: TunnelPair, line: WireRelay) {
        var options = Options()
        let link = try PlainAddress.free()
        let line = try WireRelay(to: link)
        options.link = link
        options.peerAddress = line.address.description
        change(&options)
        return (try TunnelPair(to: target, options), line)
    }
}
