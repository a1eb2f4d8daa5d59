/// An IPv4 address; `value` is in host order, 127.0.0.1 being 0x7f000001.
@usableFromInline package struct IPv4Address: Hashable, Sendable, CustomStringConvertible {
    @usableFromInline package var value: UInt32

    @inlinable package init(_ value: UInt32) {
        self.value = value
    }

    /// Four decimal numbers and nothing else: no octal, no hexadecimal, no short forms.
    @inlinable package init?(text: some StringProtocol) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var value: UInt32 = 0
        for part in parts {
            guard (1...3).contains(part.utf8.count), part.utf8.allSatisfy({ (48...57).contains($0) }),
                part.utf8.count == 1 || part.utf8.first != 48, let octet = UInt8(part)
            else { return nil }
            value = value << 8 | UInt32(octet)
        }
        self.value = value
    }

    @inlinable package var description: String {
        "\(value >> 24).\(value >> 16 & 255).\(value >> 8 & 255).\(value & 255)"
    }
}

/// An IPv6 address as its two halves, in host order.
@usableFromInline package struct IPv6Address: Hashable, Sendable, CustomStringConvertible {
    @usableFromInline package var high: UInt64
    @usableFromInline package var low: UInt64

    @inlinable package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// RFC 4291 section 2.2: eight groups, one `::`, an IPv4 tail; no brackets, no zone.
    @inlinable package init?(text: some StringProtocol) {
        var head: [UInt16] = []
        var tail: [UInt16] = []
        var sawGap = false
        var rest = Substring(text)

        if rest.hasPrefix("::") {
            sawGap = true
            rest = rest.dropFirst(2)
        }
        while !rest.isEmpty {
            let end = rest.firstIndex(of: ":") ?? rest.endIndex
            let group = rest[..<end]
            var values: [UInt16]
            if group.contains(".") {
                guard end == rest.endIndex, let ipv4 = IPv4Address(text: group) else { return nil }
                values = [UInt16(truncatingIfNeeded: ipv4.value >> 16), UInt16(truncatingIfNeeded: ipv4.value)]
            } else {
                guard (1...4).contains(group.utf8.count), group.utf8.allSatisfy({ Hex.value($0) != nil }),
                    let value = UInt16(group, radix: 16)
                else { return nil }
                values = [value]
            }
            if sawGap { tail += values } else { head += values }
            guard head.count + tail.count <= 8 else { return nil }
            rest = rest[end...]
            if rest.hasPrefix("::") {
                guard !sawGap else { return nil }
                sawGap = true
                rest = rest.dropFirst(2)
            } else if rest.hasPrefix(":") {
                rest = rest.dropFirst()
                guard !rest.isEmpty else { return nil }
            }
        }
        let missing = 8 - head.count - tail.count
        guard sawGap ? missing >= 1 : missing == 0 else { return nil }
        let groups = head + Array(repeating: 0, count: missing) + tail
        high = groups[0..<4].reduce(0) { $0 << 16 | UInt64($1) }
        low = groups[4..<8].reduce(0) { $0 << 16 | UInt64($1) }
    }

    /// The IPv4 address inside ::ffff:0:0/96, if it is one.
    @inlinable package var mappedIPv4: IPv4Address? {
        guard high == 0, low >> 32 == 0xffff else { return nil }
        return IPv4Address(UInt32(truncatingIfNeeded: low))
    }

    /// RFC 5952: lower case, the longest run of two or more zero groups as `::`.
    @inlinable package var description: String {
        if let ipv4 = mappedIPv4 { return "::ffff:\(ipv4)" }
        let groups = (0..<8).map { index -> UInt16 in
            let half = index < 4 ? high : low
            return UInt16(truncatingIfNeeded: half >> UInt64((3 - index % 4) * 16))
        }
        var best = 0..<0
        var start = 0
        while start < 8 {
            var end = start
            while end < 8, groups[end] == 0 { end += 1 }
            if end - start > max(best.count, 1) { best = start..<end }
            start = max(end, start + 1)
        }
        func text(_ range: Range<Int>) -> String {
            groups[range].map { String($0, radix: 16) }.joined(separator: ":")
        }
        if best.isEmpty { return text(0..<8) }
        return text(0..<best.lowerBound) + "::" + text(best.upperBound..<8)
    }
}
