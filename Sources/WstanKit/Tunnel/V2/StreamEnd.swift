/// How the near end of a stream ends, and what a side says of it (protocol-v2.md section 7.1).
enum StreamEnd: Equatable, Sendable {
    /// It sends no more, and still receives.
    case finished
    /// It is closed, both ways, in good order.
    case gone
    case reset

    /// What is sent, in this order, as far as `TunnelLife` lets it: FIN with the last bytes, RESET.
    var messages: (fin: Bool, reset: ResetCode?) {
        switch self {
        case .finished: (true, nil)
        case .gone: (true, ResetCode.none)
        case .reset: (false, .reset)
        }
    }
}

/// What becomes of the near end of a stream when the peer's segment ends.
enum NearEndOrder: Equatable, Sendable {
    /// After the last bytes its sending side is shut down; what it says still goes to the peer.
    case shutdown
    /// The peer is gone and all its bytes are there: after them, the near end is closed in good order.
    case close
    /// Never in good order: what it has got is not all that there was.
    case reset

    /// - Parameter isSignal: see `TunnelLife.ResetAction`.
    static func after(reset code: ResetCode, isSignal: Bool) -> NearEndOrder {
        isSignal && code == .none ? .close : .reset
    }
}
