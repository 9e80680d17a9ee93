/// A FIFO queue, which keeps no reference to removed elements.
struct Fifo<Element> {
    private var elements: [Element?] = []
    private var head = 0

    /// The number of elements.
    var count: Int { elements.count - head }

    /// The element at a position, 0 for the first.
    subscript(index: Int) -> Element? {
        (0..<count).contains(index) ? elements[head + index] : nil
    }

    mutating func append(_ element: Element) {
        elements.append(element)
    }

    mutating func removeFirst() -> Element? {
        guard head < elements.count else { return nil }
        defer {
            // Each element is moved once on average.
            if head * 2 >= elements.count {
                elements.removeFirst(head)
                head = 0
                if elements.isEmpty, elements.capacity > 64 { elements = [] }
            }
        }
        let element = elements[head]
        elements[head] = nil
        head += 1
        return element
    }

    mutating func removeLast() -> Element? {
        count > 0 ? elements.removeLast() : nil
    }

    /// Removes the first element that satisfies a condition.
    mutating func removeFirst(where isWanted: (Element) -> Bool) -> Element? {
        for index in head..<elements.count {
            guard let element = elements[index], isWanted(element) else { continue }
            if index == head { return removeFirst() }
            elements.remove(at: index)
            return element
        }
        return nil
    }

    mutating func removeAll() -> [Element] {
        defer {
            elements = []
            head = 0
        }
        return elements[head...].compactMap(\.self)
    }
}
