/// Which end of a tunnel asks for connections. Masking is another matter: the WebSocket's client masks, whichever end asks.
enum TunnelRole: Sendable {
    case requester
    case acceptor
}

/// The life of a tunnel as a value: it carries one connection at a time, and both sides agree on its end by exchanging
/// resets. Events go in, orders come out; bytes, ciphers and clocks are the driver's.
///
/// What a peer does out of turn is answered with `.close(CloseCode.badState)`.
struct TunnelMachine {
    enum State: Equatable {
        /// No connection. Can become: using (requester), connecting (acceptor), associated.
        case idle
        /// Acceptor only: a request has come, its target has not answered. Can become: using, resetting, idle.
        case connecting
        /// A connection is up. Can become: resetting, idle.
        case using
        /// An association carries datagrams. Can become: resetting, idle.
        case associated
        /// Our reset is sent, the peer's is awaited; what comes until then belongs to no connection. Can become: idle.
        case resetting
    }

    private(set) var state: State
    private let role: TunnelRole

    init(role: TunnelRole) {
        self.role = role
        state = .idle
    }

    /// Requester: a request went out.
    ///
    /// - Returns: false when the tunnel is not free.
    mutating func sentRequest() -> Bool {
        guard role == .requester, state == .idle else { return false }
        state = .using
        return true
    }

    enum RequestAction: Equatable {
        case connect
        case close(UInt16)
    }

    mutating func receivedRequest() -> RequestAction {
        guard role == .acceptor else { return .close(CloseCode.badMessage) }
        switch state {
        case .idle:
            state = .connecting
            return .connect
        case .connecting, .using, .associated, .resetting:
            return .close(CloseCode.badState)
        }
    }

    /// Requester: a request for an association went out.
    ///
    /// - Returns: false when the tunnel is not free.
    mutating func sentAssociationRequest() -> Bool {
        guard role == .requester, state == .idle else { return false }
        state = .associated
        return true
    }

    enum AssociationAction: Equatable {
        case associate
        case close(UInt16)
    }

    mutating func receivedAssociationRequest() -> AssociationAction {
        guard role == .acceptor else { return .close(CloseCode.badMessage) }
        switch state {
        case .idle:
            state = .associated
            return .associate
        case .connecting, .using, .associated, .resetting:
            return .close(CloseCode.badState)
        }
    }

    enum ConnectedAction: Equatable {
        case relay
        /// The connection was given up meanwhile.
        case ignore
    }

    /// Acceptor: the target has answered.
    mutating func connectedTarget() -> ConnectedAction {
        switch state {
        case .connecting:
            state = .using
            return .relay
        case .idle, .using, .associated, .resetting:
            return .ignore
        }
    }

    enum EndAction: Equatable {
        case sendReset
        /// The other side has ended it already.
        case ignore
    }

    /// Our end of the connection is done, or could not be made.
    mutating func ended() -> EndAction {
        switch state {
        case .connecting, .using, .associated:
            state = .resetting
            return .sendReset
        case .idle, .resetting:
            return .ignore
        }
    }

    enum ResetAction: Equatable {
        /// The connection is over; the tunnel is free as soon as the answer is on its way.
        case answerReset
        /// Both resets have met; the tunnel is free.
        case becomeIdle
        case close(UInt16)
    }

    mutating func receivedReset() -> ResetAction {
        switch state {
        case .connecting, .using, .associated:
            state = .idle
            return .answerReset
        case .resetting:
            state = .idle
            return .becomeIdle
        case .idle:
            return .close(CloseCode.badState)
        }
    }

    /// What has a place in this state.
    var expectation: Opener.Expectation {
        switch state {
        case .idle: role == .acceptor ? .request : .nothing
        case .connecting, .using: .bytes
        case .associated, .resetting: .datagrams
        }
    }

    enum DataAction: Equatable {
        case deliver
        /// To be kept until the target has answered.
        case hold
        case discard
        case close(UInt16)
    }

    func receivedData() -> DataAction {
        switch state {
        case .using: .deliver
        case .connecting: .hold
        case .resetting: .discard
        case .idle, .associated: .close(CloseCode.badState)
        }
    }

    enum DatagramAction: Equatable {
        case deliver
        case discard
        case close(UInt16)
    }

    func receivedDatagram() -> DatagramAction {
        switch state {
        case .associated: .deliver
        case .resetting: .discard
        case .idle, .connecting, .using: .close(CloseCode.badMessage)
        }
    }
}
