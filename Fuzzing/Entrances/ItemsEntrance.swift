import Sallyport

/// Reads arbitrary bytes as items, in pieces and at once, and as the beginning of a long payload.
///
/// The first byte gives the length of the pieces.
func fuzzItems(_ bytes: UnsafeRawBufferPointer) {
    guard let first = bytes.first else { return }
    let rest = Array(bytes.dropFirst())
    let whole = read(rest, inPiecesOf: max(1, rest.count))
    let pieces = read(rest, inPiecesOf: Int(first) % 64 + 1)
    precondition(whole.items == pieces.items, "in pieces they are others")
    precondition(whole.fault == pieces.fault, "in pieces they are wrong in another way")
    var again: [UInt8] = []
    for item in whole.items { item.append(to: &again) }
    precondition(again == Array(rest.prefix(again.count)), "written again, they are others")
    if whole.fault == nil {
        precondition(again.count + whole.carried == rest.count, "bytes were lost")
        precondition(whole.carried < Item.longest, "more was kept than an item has")
    }
    guard case .success(.some(let head)) = LongHead.read(rest) else { return }
    precondition(head.count <= min(rest.count, LongHead.longest), "more than there is")
    var item = head.item
    item.payload = Payload(format: item.payload.format, bytes: [])
    precondition(
        LongHead.encoded(item).dropFirst(8) == rest[8..<head.count],
        "written again, it is another one"
    )
}

private func read(
    _ bytes: [UInt8],
    inPiecesOf size: Int
) -> (items: [Item], fault: ItemFault?, carried: Int) {
    var cutter = ItemCutter()
    var items: [Item] = []
    var offset = 0
    do throws(ItemFault) {
        while offset < bytes.count {
            let piece = Array(bytes[offset..<min(offset + size, bytes.count)])
            offset += piece.count
            let fault = piece.withUnsafeBytes { piece -> ItemFault? in
                do throws(ItemFault) {
                    try cutter.feed(piece) { item, _ in items.append(item) }
                    return nil
                } catch {
                    return error
                }
            }
            if let fault { throw fault }
        }
    } catch {
        return (items, error, 0)
    }
    return (items, nil, cutter.carriedCount)
}
