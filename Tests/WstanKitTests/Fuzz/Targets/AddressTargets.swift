@testable import WstanBase
@testable import WstanCore

extension FuzzTarget {
    static let addressBytes = FuzzTarget(
        "address-bytes",
        seeds: [
            [0, 1, 127, 0, 0, 1, 0, 80], [0, 3, 3, 97, 46, 98, 1, 187], [0, 4] + Array(repeating: 1, count: 18),
            [0, 3, 3, 58, 58, 49, 1, 187],
        ], maxLength: 300
    ) { input in
        let bytes = input.rest()
        guard let (address, _) = keptPromise(of: { (reader) throws(WireError) in try Address.read(&reader) }, bytes)
        else { return }
        var encoded: [UInt8] = []
        address.encode(into: &encoded)
        require((6...260).contains(encoded.count), "6 to 260 bytes")
        let again = encoded.withUnsafeBytes { bytes -> Address? in
            var reader = ByteReader(bytes)
            return try? Address.read(&reader)
        }
        require(again == address, "what is read is written and read")
    }

    static let socks5 = FuzzTarget(
        "socks5",
        seeds: [
            [1, 4, 97, 110, 110, 97, 3, 97, 58, 0], [5, 1, 0], [5, 1, 0, 1, 127, 0, 0, 1, 0, 80],
            [5, 3, 0, 3, 3, 97, 46, 98, 1, 187], [5, 2, 0, 2, 9],
        ],
        maxLength: 300
    ) { input in
        let bytes = input.rest()
        _ = keptPromise(of: { (reader) throws(Socks5.Failure) in try Socks5.readGreeting(&reader) }, bytes)
        _ = keptPromise(of: { (reader) throws(Socks5.Failure) in try Socks5.readRequest(&reader) }, bytes)
        let password = keptPromise(
            of: { (reader) throws(Socks5.Failure) in try Socks5Password.readRequest(&reader) }, bytes)
        if let (request, used) = password {
            require(3 + request.name.count + request.password.count == used, "lengths and what they measure")
        }
    }

    static let socks4 = FuzzTarget(
        "socks4",
        seeds: [
            [4, 1, 0, 80, 127, 0, 0, 1, 117, 0], [4, 1, 1, 187, 0, 0, 0, 1, 0, 97, 46, 98, 0],
            [4, 2, 0, 80, 0, 0, 0, 0, 0],
        ], maxLength: 600
    ) { input in
        let bytes = input.rest()
        _ = keptPromise(of: { (reader) throws(Socks4.Failure) in try Socks4.readRequest(&reader) }, bytes)
    }

    static let proxyHeader = FuzzTarget(
        "proxy-header",
        seeds: [
            Array("PROXY TCP4 192.0.2.1 192.0.2.2 1024 443\r\nGET".utf8), Array("PROXY UNKNOWN\r\n".utf8),
            Array("PROXY TCP6 2001:db8::1 ::1 1024 443\r\n".utf8),
            Array("\r\n\r\n\0\r\nQUIT\n".utf8) + [0x21, 0x11, 0, 12, 192, 0, 2, 1, 192, 0, 2, 2, 4, 0, 1, 187, 71],
            Array("\r\n\r\n\0\r\nQUIT\n".utf8) + [0x20, 0, 0, 3, 4, 0, 0],
        ], maxLength: 600
    ) { input in
        let bytes = input.rest()
        _ = keptPromise(of: { (reader) throws(WireError) in try ProxyProtocolHeader.read(&reader) }, bytes)
    }

    /// Datagrams of a user agent and of a tunnel: what is read is written as it was, but that a literal may come as a
    /// name.
    static let datagram = FuzzTarget(
        "datagram", seeds: [[0, 0, 0, 1, 127, 0, 0, 1, 0, 53, 1, 2], [0, 0, 0, 3, 3, 97, 46, 98, 0, 53]], maxLength: 600
    ) { input in
        let bytes = input.rest()
        guard let datagram = bytes.withUnsafeBytes({ Socks5Datagram.read($0) }) else { return }
        require(Array(bytes.suffix(datagram.data.count)) == datagram.data, "the data is the rest")
        let again = Socks5Datagram.encode(datagram).withUnsafeBytes { Socks5Datagram.read($0) }
        require(again == datagram, "what is read is written and read")
        let inTunnel = datagram.encoded().dropFirst()
        require(inTunnel.withUnsafeBytes { try? Datagram.read($0) } == datagram, "and the same in the tunnel")
    }

    /// What every `read` over a `ByteReader` promises: nothing moves it but a value, missing bytes are waited for,
    /// and bytes behind a value change nothing.
    static func keptPromise<Value: Equatable, Failure: Error>(
        of read: (inout ByteReader) throws(Failure) -> Value?, _ bytes: [UInt8]
    ) -> (value: Value, used: Int)? {
        func outcome(_ count: Int) -> Result<(Value, Int)?, Failure> {
            let part = Array(bytes.prefix(count))
            return part.withUnsafeBytes { buffer in
                var reader = ByteReader(buffer)
                do throws(Failure) {
                    guard let value = try read(&reader) else {
                        require(reader.position == 0, "not moved for want of bytes")
                        return .success(nil)
                    }
                    require((1...count).contains(reader.position), "moved behind the value")
                    return .success((value, reader.position))
                } catch {
                    require(reader.position == 0, "not moved by a failure")
                    return .failure(error)
                }
            }
        }
        guard case .success(let found?) = outcome(bytes.count) else { return nil }
        for count in 0..<found.1 {
            guard case .success(nil) = outcome(count) else {
                fatalError("broken promise: \(count) of \(found.1) bytes are too few, not wrong")
            }
        }
        guard case .success(let exact?) = outcome(found.1), exact == found else {
            fatalError("broken promise: what is behind a value changes nothing")
        }
        return found
    }
}
