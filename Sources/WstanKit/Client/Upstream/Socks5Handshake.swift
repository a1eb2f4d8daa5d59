import WstanBase
import WstanConfig

/// Asks a SOCKS5 proxy for a way to the server: the driver of `Socks5ClientMachine`.
package struct Socks5Handshake {
    let proxy: ProxyAddress
    let server: Address

    package init(proxy: ProxyAddress, server: Address) {
        self.proxy = proxy
        self.server = server
    }

    /// - Throws: when there is no way; the stream is of no use then.
    package func pass(_ stream: Stream, until deadline: Instant) async throws(ProxyRefusal) {
        let credentials = proxy.user.flatMap {
            Socks5Client.Credentials(user: Array($0.utf8), password: Array((proxy.password?.text ?? "").utf8))
        }
        var machine = Socks5ClientMachine(to: server, credentials)
        stream.write(machine.greeting)
        var intake = BufferedReader(stream)
        while true {
            let action: Socks5ClientMachine.Action
            do throws(Socks5Client.Failure) {
                action = try intake.bytes.consume { (reader) throws(Socks5Client.Failure) in
                    try machine.received(&reader)
                }
            } catch {
                throw Self.refusal(error, hasCredentials: credentials != nil)
            }
            switch action {
            case .send(let bytes):
                stream.write(bytes)
            case .waitForMore:
                switch await intake.readMore(deadline: deadline) {
                case .more: break
                case .timedOut: throw .silent
                case .over, .reset: throw .cut
                }
            case .pass:
                // The server says nothing before it is asked.
                guard intake.bytes.isEmpty else { throw .unreadable(.socks5) }
                return
            }
        }
    }

    private static func refusal(_ failure: Socks5Client.Failure, hasCredentials: Bool) -> ProxyRefusal {
        switch failure {
        case .malformed: .unreadable(.socks5)
        case .noMethod: .socksMethods(hasCredentials: hasCredentials)
        case .wrongCredentials: .socksCredentials
        case .refused(let code): .socks(code)
        }
    }
}
