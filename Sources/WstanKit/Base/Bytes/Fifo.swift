/// First in, first out; each end costs the same however many there are.
package struct Fifo<Element> {
    private var elements: [Element] = []
    private var first = 0

    package init() {}

    package var count: Int { elements.count - first }
    package var isEmpty: Bool { first == elements.count }

    package mutating func append(_ element: Element) {
        elements.append(element)
    }

    package mutating func popFirst() -> Element? {
        guard first < elements.count else { return nil }
        let element = elements[first]
        first += 1
        // What is over is kept for a while, so that not every removal moves what is left.
        if first == elements.count {
            removeAll()
        } else if first > 64, first > elements.count / 2 {
            elements.removeFirst(first)
            first = 0
        }
        return element
    }

    package mutating func popLast() -> Element? {
        first < elements.count ? elements.removeLast() : nil
    }

    package mutating func removeAll() {
        elements.removeAll(keepingCapacity: elements.count <= 64)
        first = 0
    }
}
