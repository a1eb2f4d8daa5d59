/// The head of a message that is being put together.
struct MessageHead {
    private(set) var bytes: [UInt8]

    init(firstLine: [UInt8]) {
        bytes = firstLine
        endLine()
    }

    mutating func add(_ name: some Collection<UInt8>, _ value: some Collection<UInt8>) {
        bytes.append(contentsOf: name)
        bytes.append(contentsOf: ": ".utf8)
        bytes.append(contentsOf: value)
        endLine()
    }

    mutating func add(_ name: String, _ value: String) {
        add(name.utf8, value.utf8)
    }

    mutating func endLine() {
        bytes.append(13)
        bytes.append(10)
    }
}
