import Glibc

/// The address by which others may reach this host.
public enum HostAddress {
    /// The one that it would use towards the Internet, IPv4 first; nothing is sent. Nil without a route.
    public static func outward() -> String? {
        // Outside of every network: TEST-NET-1 (RFC 5737), and the same of IPv6 (RFC 3849).
        outward(AF_INET, toward: "192.0.2.1") ?? outward(AF_INET6, toward: "2001:db8::1")
    }

    private static func outward(_ family: Int32, toward place: String) -> String? {
        var hints = addrinfo()
        hints.ai_family = family
        hints.ai_socktype = Int32(SOCK_DGRAM.rawValue)
        hints.ai_flags = AI_NUMERICHOST
        var found: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(place, "9", &hints, &found) == 0, let entry = found?.pointee else { return nil }
        defer { freeaddrinfo(found) }
        let descriptor = socket(family, entry.ai_socktype | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        guard connect(descriptor, entry.ai_addr, entry.ai_addrlen) == 0 else { return nil }
        var address = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        let isKnown = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                getsockname(descriptor, $0, &length) == 0
                    && getnameinfo($0, length, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST) == 0
            }
        }
        guard isKnown else { return nil }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
