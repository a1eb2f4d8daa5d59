import Glibc
import WstanBase
import WstanCore

/// The TCP sockets of this host that listen, and whose they are.
struct ListeningSockets {
    struct Socket: Equatable {
        let address: SocketAddress
        let inode: UInt64
    }

    struct Owner: Hashable, CustomStringConvertible {
        let process: Int32
        let program: String

        var description: String { "\(program) (process \(process))" }
    }

    let all: [Socket]

    /// Those that listen come first in the kernel's tables, so no more of them is read.
    private static let tableSize = 1 << 20

    /// Reads the kernel's tables. Blocks.
    static func current() -> ListeningSockets {
        func table(_ name: String) -> String {
            let bytes = try? FileReader.read("/proc/net/\(name)", limit: tableSize)
            return String(decoding: bytes ?? [], as: UTF8.self)
        }
        return ListeningSockets(ipv4: table("tcp"), ipv6: table("tcp6"))
    }

    /// - Parameters:
    ///   - ipv4: what proc(5) says is in /proc/net/tcp.
    ///   - ipv6: the same of /proc/net/tcp6.
    init(ipv4: String, ipv6: String) {
        all = (ipv4 + "\n" + ipv6).split(separator: "\n").compactMap { Self.socket($0) }
    }

    private static func socket(_ line: Substring) -> Socket? {
        let columns = line.split(separator: " ")
        // TCP_LISTEN.
        guard columns.count > 9, columns[3] == "0A", let inode = UInt64(columns[9]) else { return nil }
        let parts = columns[1].split(separator: ":")
        guard parts.count == 2, let port = UInt16(parts[1], radix: 16) else { return nil }
        // Words as this machine reads them from memory, which holds them in the order of the network.
        let digits = Array(parts[0].utf8)
        let words = stride(from: 0, to: digits.count, by: 8).compactMap {
            UInt32(String(decoding: digits[$0..<min($0 + 8, digits.count)], as: UTF8.self), radix: 16)
                .map { UInt32(bigEndian: $0) }
        }
        switch words.count {
        case 1: return Socket(address: .ipv4(IPv4Address(words[0]), port: port), inode: inode)
        case 4:
            let high = UInt64(words[0]) << 32 | UInt64(words[1])
            let low = UInt64(words[2]) << 32 | UInt64(words[3])
            return Socket(address: .ipv6(IPv6Address(high: high, low: low), port: port, scope: 0), inode: inode)
        default: return nil
        }
    }

    func on(_ port: UInt16) -> [Socket] { all.filter { $0.address.port == port } }

    /// The sockets that would have an address's connections if it were listened on, but listen elsewhere.
    ///
    /// - Returns: empty when the address itself is listened on, or nothing is known.
    func elsewhere(than address: SocketAddress) -> [SocketAddress] {
        let found = on(address.port).map(\.address)
        return found.contains { $0.covers(address) } ? [] : found
    }

    /// Who holds the sockets on a port, as far as this user may know. Blocks.
    func owners(of port: UInt16) -> [Owner] {
        let links = Set(on(port).map { "socket:[\($0.inode)]" })
        guard !links.isEmpty else { return [] }
        return Self.entries(of: "/proc").compactMap { Int32($0) }.sorted().compactMap { process in
            guard !links.isDisjoint(with: Self.links(of: process)) else { return nil }
            let program = (try? FileReader.read("/proc/\(process)/comm", limit: 64)) ?? []
            return Owner(
                process: process, program: Printable.prose(String(decoding: program.filter { $0 != 10 }, as: UTF8.self)
                    .unicodeScalars))
        }
    }

    /// Where a process listens, as far as this user may know.
    func addresses(of process: Int32) -> [SocketAddress] {
        let links = Set(Self.links(of: process))
        return all.filter { links.contains("socket:[\($0.inode)]") }.map(\.address)
    }

    /// What the descriptors of a process lead to.
    private static func links(of process: Int32) -> [String] {
        entries(of: "/proc/\(process)/fd").compactMap { link("/proc/\(process)/fd/\($0)") }
    }

    private static func entries(of directory: String) -> [String] {
        guard let stream = opendir(directory) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            names.append(
                withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) })
        }
        return names
    }

    private static func link(_ path: String) -> String? {
        var buffer = [CChar](repeating: 0, count: 64)
        let count = readlink(path, &buffer, buffer.count)
        return count > 0 ? String(decoding: buffer.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self) : nil
    }
}

extension SocketAddress {
    /// Whether a socket that is bound here is what a configuration means by an address. A socket on [::] is taken for one for
    /// both families.
    fileprivate func covers(_ configured: SocketAddress) -> Bool {
        switch (self, configured) {
        case (.ipv4(let bound, _), .ipv4(let wanted, _)): bound == wanted
        case (.ipv6(let bound, _, _), .ipv6(let wanted, _, _)): bound == wanted
        case (.ipv6(let bound, _, _), .ipv4(let wanted, _)): bound.high == 0 && bound.low == 0 && wanted.value == 0
        case (.ipv4, .ipv6): false
        }
    }
}
