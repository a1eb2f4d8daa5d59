import Glibc
import WstanControl

/// The script for browsers (PAC) that a client serves.
enum PACFetch {
    struct Place: Equatable {
        let host: String
        let port: String

        var url: String { "http://\(host.contains(":") ? "[\(host)]" : host):\(port)/proxy.pac" }
    }

    /// Where SOCKS and HTTP are served, by an address that this host can connect to.
    static func place(among listeners: [Control.Listener]) -> Place? {
        listeners.lazy.filter { !$0.name.hasPrefix("forward ") }.compactMap { place($0.address) }.first
    }

    private static func place(_ address: String) -> Place? {
        guard !address.hasPrefix("/"), !address.hasPrefix("unix:"), let colon = address.lastIndex(of: ":") else { return nil }
        let port = address[address.index(after: colon)...]
        guard let number = UInt16(port), number > 0 else { return nil }
        var host = String(address[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        switch host {
        case "", "*", "0.0.0.0": host = "127.0.0.1"
        case "::": host = "::1"
        default: break
        }
        return Place(host: host, port: String(number))
    }

    private static let limit = 1 << 20

    static func fetch(from place: Place) throws(Failure) -> String {
        let descriptor = try connect(to: place)
        defer { close(descriptor) }
        let request = "GET /proxy.pac HTTP/1.1\r\nHost: \(place.url.dropFirst(7).dropLast(10))\r\nConnection: close\r\n\r\n"
        let sent = Array(request.utf8).withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
        guard sent == request.utf8.count else { throw unreachable(place, errno) }
        var answer: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 14)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw unreachable(place, errno) }
            guard count > 0 else { break }
            answer += buffer.prefix(count)
            guard answer.count <= limit else { break }
        }
        guard let text = body(of: answer) else { throw Failure("\(place.url) is not a proxy script") }
        return text
    }

    /// - Returns: nil unless it is a whole answer with status 200.
    static func body(of answer: [UInt8]) -> String? {
        let text = String(decoding: answer, as: UTF8.self)
        guard let end = text.utf8.firstRange(of: "\r\n\r\n".utf8) else { return nil }
        let head = text[..<end.lowerBound]
        guard head.hasPrefix("HTTP/1.1 200 ") || head.hasPrefix("HTTP/1.0 200 ") else { return nil }
        let body = text[end.upperBound...]
        for line in head.split(whereSeparator: \.isNewline) where line.lowercased().hasPrefix("content-length:") {
            let length = Int(line.dropFirst(15).drop { $0 == " " })
            guard length == body.utf8.count else { return nil }
        }
        return String(body)
    }

    private static func connect(to place: Place) throws(Failure) -> Int32 {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(place.host, place.port, &hints, &found) == 0 else { throw unreachable(place, EADDRNOTAVAIL) }
        defer { freeaddrinfo(found) }
        var code: Int32 = ECONNREFUSED
        var next = found
        while let entry = next?.pointee {
            next = entry.ai_next
            let descriptor = socket(entry.ai_family, entry.ai_socktype | Int32(SOCK_CLOEXEC.rawValue), entry.ai_protocol)
            guard descriptor >= 0 else { continue }
            var patience = timeval(tv_sec: 5, tv_usec: 0)
            for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
                setsockopt(descriptor, SOL_SOCKET, option, &patience, socklen_t(MemoryLayout<timeval>.size))
            }
            if Glibc.connect(descriptor, entry.ai_addr, entry.ai_addrlen) == 0 { return descriptor }
            code = errno
            close(descriptor)
        }
        throw unreachable(place, code)
    }

    private static func unreachable(_ place: Place, _ code: Int32) -> Failure {
        Failure("cannot fetch \(place.url): \(code == EAGAIN ? "no answer" : String(cString: strerror(code)))")
    }
}
