/// How many more proxies may pass a TRACE or OPTIONS on (RFC 9110 section 7.6.2).
struct MaxForwards {
    static let name = "Max-Forwards"
    let count: Int

    /// - Returns: nil for other methods, and where no number is given.
    init?(_ head: HTTPHead) {
        guard let method = head.requestLine?.method,
            method.elementsEqual("TRACE".utf8) || method.elementsEqual("OPTIONS".utf8),
            let digits = head.value(of: Self.name), (1...9).contains(digits.count),
            digits.allSatisfy({ (48...57).contains($0) })
        else { return nil }
        count = digits.reduce(0) { $0 * 10 + Int($1) - 48 }
    }

    /// What the next recipient is told.
    var next: Int { max(0, count - 1) }
}
