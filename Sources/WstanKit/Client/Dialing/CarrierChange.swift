import WstanBase

/// That the requests to a server ride in another carrier than those before (`carrier = auto`), in words. A value.
package struct CarrierChange: Sendable, Equatable {
    let former: RequestCarrier
    let carrier: RequestCarrier
    /// What a request in the former one has come to; nil: that was told already.
    let refusal: DialFailure?

    package init(former: RequestCarrier, carrier: RequestCarrier, refusal: DialFailure?) {
        self.former = former
        self.carrier = carrier
        self.refusal = refusal
    }

    /// What happened.
    package var cause: String {
        let outcome =
            switch refusal?.bare {
            case .refused(let answer)? where answer.status != 101: "answered \(answer.description)"
            case let failure?: "refused: \(failure.cause)"
            case nil: "refused"
            }
        return "a request \(former.place) was \(outcome)"
    }

    /// What to do.
    var advice: String {
        "a front may \(former.loss): change its rules, or set carrier = \(carrier.rawValue) in [client] to begin with that"
    }
}

extension RequestCarrier {
    /// Goes on behind "ride" and "a request".
    var place: String {
        switch self {
        case .cookie: "in a cookie"
        case .path: "in the path"
        case .subprotocol: "in Sec-WebSocket-Protocol"
        }
    }

    /// What a front may do to a request that rides in it.
    var loss: String {
        switch self {
        case .cookie: "remove cookies"
        case .path: "change the path"
        case .subprotocol: "remove Sec-WebSocket-Protocol"
        }
    }
}
