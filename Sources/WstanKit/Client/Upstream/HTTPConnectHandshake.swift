import WstanBase
import WstanConfig

/// Asks an HTTP proxy for a way to the server (RFC 9110 section 9.3.6).
package struct HTTPConnectHandshake {
    let proxy: ProxyAddress
    let server: Address

    package init(proxy: ProxyAddress, server: Address) {
        self.proxy = proxy
        self.server = server
    }

    /// Name and password go with the first request: a proxy that asks for them first would cost a round trip, or a
    /// connection.
    var request: [UInt8] {
        var head = MessageHead(firstLine: Array("CONNECT \(server) HTTP/1.1".utf8))
        head.add("Host", "\(server)")
        if let user = proxy.user {
            // RFC 7617 section 2, in UTF-8.
            let pair = Array("\(user):\(proxy.password?.text ?? "")".utf8)
            head.add("Proxy-Authorization", "Basic " + Base64.encode(pair))
        }
        head.endLine()
        return head.bytes
    }

    /// - Returns: nil when the way is made.
    func refusal(in head: HTTPHead) -> ProxyRefusal? {
        guard let status = head.status else { return .unreadable(.http) }
        switch status {
        case 200...299: return nil
        case 407:
            let schemes = AuthenticationSchemes.offered(by: head, in: "Proxy-Authenticate")
            let takesBasic = schemes.isEmpty || schemes.contains { $0.lowercased() == "basic" }
            if !takesBasic { return .otherSchemes(schemes, reason: head.reason) }
            return proxy.user == nil
                ? .wantsCredentials(reason: head.reason) : .wrongCredentials(reason: head.reason)
        default:
            return .status(status, reason: head.reason)
        }
    }

    /// - Throws: when there is no way; the stream is of no use then.
    package func pass(_ stream: Stream, until deadline: Instant) async throws(ProxyRefusal) {
        stream.write(request)
        var intake = BufferedReader(stream)
        let head: HTTPHead
        do {
            head = try await intake.readFinalHead(deadline: deadline)
        } catch {
            switch error {
            case .unreadable: throw .unreadable(.http)
            case .ended(let progress, _): throw progress == .timedOut ? .silent : .cut
            }
        }
        if let refusal = refusal(in: head) { throw refusal }
        // The server says nothing before it is asked, so this is the proxy's and would be taken for the server's.
        guard intake.bytes.isEmpty else { throw .unreadable(.http) }
    }
}
