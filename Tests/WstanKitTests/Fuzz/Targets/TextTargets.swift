import Glibc

@testable import WstanBase
@testable import WstanCore

extension FuzzTarget {
    /// A date that is read is written as it was, but for the name of the day; one that is written is read.
    static let httpDate = FuzzTarget(
        "http-date",
        seeds: [
            [0] + Array("Sun, 06 Nov 1994 08:49:37 GMT".utf8), [0] + Array("Thu, 29 Feb 2024 23:59:60 GMT".utf8),
            [1, 0, 0, 0, 0, 0x69, 0x1f, 0xb5, 0x80],
        ], maxLength: 64
    ) { input in
        if input.flag() {
            let seconds = input.integer(Int64.self) % 253_402_300_800
            guard seconds >= 0 else { return }
            require(HTTPDate.parse(HTTPDate.format(seconds).utf8) == seconds, "what is written is read")
        } else {
            let text = input.rest()
            guard let seconds = HTTPDate.parse(text) else { return }
            // A leap second is the first one of the next minute.
            guard text[23...24] != [54, 48] else { return }
            require(Array(HTTPDate.format(seconds).utf8)[5...] == text[5...], "what is read is written")
        }
    }

    /// No two texts stand for the same bytes.
    static let base64 = FuzzTarget(
        "base64", seeds: [Array("q83vEjRWeJCrze8SNFZ4kA==".utf8), Array("-_8=".utf8), Array("+/8=".utf8)]
    ) { input in
        let bytes = input.rest()
        for alphabet in [Base64.Alphabet.standard, .url] {
            let text = Base64.encode(bytes, alphabet)
            require(Base64.decode(Array(text.utf8), alphabet) == bytes, "what is encoded is decoded")
            if let decoded = Base64.decode(bytes, alphabet) {
                require(Array(Base64.encode(decoded, alphabet).utf8) == bytes, "what is decoded is canonical")
            }
        }
    }

    /// Addresses are read as the system reads them, and what is written is read again.
    static let addressText = FuzzTarget(
        "address-text",
        seeds: ["127.0.0.1:80", "[::ffff:1.2.3.4]:443", "1:2::8", "example.com:65535", "::", "fe80::1", "1::1.2.3.4"]
            .map { Array($0.utf8) }, maxLength: 300
    ) { input in
        let text = input.text()
        let ipv4 = IPv4Address(text: text)
        require(ipv4?.value == system(AF_INET, text).map { $0.reduce(0) { $0 << 8 | UInt32($1) } }, "as inet_pton")
        let ipv6 = IPv6Address(text: text)
        var expected = ipv6.map { value in
            var bytes: [UInt8] = []
            bytes.append(integer: value.high)
            bytes.append(integer: value.low)
            return bytes
        }
        require(expected == system(AF_INET6, text), "as inet_pton: \(text)")
        expected = nil
        if let ipv6 { require(IPv6Address(text: ipv6.description) == ipv6, "what is written is read") }
        if let host = Host(text: text) {
            require(Host(text: host.description) == host, "a host that is written is read")
            require(host.description.utf8.count <= 255, "a name has a bound")
        }
        if let address = Address(authority: text) {
            require(Address(authority: address.description) == address, "an authority that is written is read")
        }
    }

    /// A network that is read is written as it was read, and holds its own first address.
    static let network = FuzzTarget(
        "network",
        seeds: ["10.0.0.0/8", "::1", "2001:db8::/32", "::ffff:1.2.3.0/120", "0.0.0.0/0"].map { Array($0.utf8) },
        maxLength: 64
    ) { input in
        let text = input.text()
        guard let network = IPNetwork(text: text) else { return }
        require(IPNetwork(text: network.description) == network, "what is written is read")
        let first = network.description.prefix { $0 != "/" }
        guard let host = Host(text: first) else { fatalError("broken promise: \(first) is an address") }
        require(network.contains(host), "it holds its first address")
    }

    private static func system(_ family: Int32, _ text: String) -> [UInt8]? {
        guard !text.utf8.contains(0) else { return nil }
        var bytes = [UInt8](repeating: 0, count: family == AF_INET ? 4 : 16)
        return inet_pton(family, text, &bytes) == 1 ? bytes : nil
    }

    /// What a person is told at a reset survives its way, and no text is too strange to be read.
    static let resetText = FuzzTarget(
        "reset-text",
        seeds: [
            Array("can't connect★no route".utf8) + Array(repeating: 32, count: 40), Array("  ★".utf8), [0xe2, 0x98],
        ]
    ) { input in
        let bytes = input.rest()
        let reset = bytes.withUnsafeBytes { Reset.read($0) }
        require(
            reset.reason.utf8.count + reset.detail.utf8.count <= 3 * bytes.count, "repaired, and no longer than that")
        let again = reset.encoded(padding: 40)
        require(again.count <= 1 + 2 * WireLimits.resetText + 3 + 40, "what is sent has a bound")
        let back = again.dropFirst().withUnsafeBytes { Reset.read($0) }
        if reset.reason.utf8.count <= WireLimits.resetText, reset.detail.utf8.count <= WireLimits.resetText {
            // Without a detail, blanks at the end of the reason still stand before the separator.
            require(back == reset, "what is read is written and read")
            require(back.isNormal == reset.isNormal, "a normal reset stays one")
        }
    }
}
