import WstanBase

/// How a SOCKS5 proxy is asked for a connection: greeting, name and password if it wants them, request. What comes from
/// the proxy goes in, what to send comes out.
package struct Socks5ClientMachine {
    package enum Action: Equatable {
        case send([UInt8])
        case waitForMore
        /// The connection is there.
        case pass
    }

    private enum State {
        /// Can become: waitingForStatus, waitingForReply.
        case waitingForMethod
        /// Name and password have been sent. Can become: waitingForReply.
        case waitingForStatus
        /// The request has been sent. Can become: passed.
        case waitingForReply
        case passed
    }

    private let target: Address
    private let credentials: Socks5Client.Credentials?
    private var state = State.waitingForMethod

    /// - Parameter target: its name, if it has one, is left to the proxy.
    package init(to target: Address, _ credentials: Socks5Client.Credentials?) {
        self.target = target
        self.credentials = credentials
    }

    package var greeting: [UInt8] { Socks5Client.greeting(offeringPassword: credentials != nil) }

    /// - Parameter reader: at what has come and was not used yet; moved behind what was used.
    package mutating func received(_ reader: inout ByteReader) throws(Socks5Client.Failure) -> Action {
        switch state {
        case .waitingForMethod:
            guard let method = try Socks5Client.readMethod(&reader) else { return .waitForMore }
            switch (method, credentials) {
            case (Socks5Client.Method.none, _):
                return request()
            case (Socks5Client.Method.password, let credentials?):
                state = .waitingForStatus
                return .send(Socks5Client.authentication(credentials))
            default:
                // One that was not on offer.
                throw .malformed
            }
        case .waitingForStatus:
            guard try Socks5Client.readAuthenticationStatus(&reader) != nil else { return .waitForMore }
            return request()
        case .waitingForReply:
            guard try Socks5Client.readReply(&reader) != nil else { return .waitForMore }
            state = .passed
            return .pass
        case .passed:
            return .pass
        }
    }

    private mutating func request() -> Action {
        state = .waitingForReply
        return .send(Socks5Client.request(connectTo: target))
    }
}
