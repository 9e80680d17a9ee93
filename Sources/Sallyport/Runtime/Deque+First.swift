import DequeModule

extension Deque {
    /// Removes and returns the first element that is wanted.
    mutating func popFirst(where isWanted: (Element) -> Bool) -> Element? {
        firstIndex(where: isWanted).map { remove(at: $0) }
    }
}
