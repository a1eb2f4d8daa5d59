/// What a request lacks or asks too much, by its form alone (protocol-v2.md sections 5 and 14.5). Whether its target is allowed is
/// another question.
enum RequestRefusal: Equatable, Sendable {
    /// The connection that it has begun is aborted.
    case reset(ResetCode)
    /// A PARK begins no connection that a RESET could name: BYE with this code, and the tunnel is closed.
    case bye(ResetCode)
}

/// What this implementation carries out, of what the protocol has (section 14.1: not LISTEN, PARK, NETWORK and resumption).
struct RequestRules: Equatable, Sendable {
    var features: Features = [.udp]

    /// - Returns: nil for a request that is to be carried out.
    func refusal(of request: RequestV2) -> RequestRefusal? {
        let body = request.body
        switch request.type {
        // The answer to a PARK is that there is no such listener, whatever it names.
        case .park: return .bye(.noSuchListener)
        case .later, .listen, .network: return .reset(.notSupported)
        case .connect, .associate, .incoming, .resume: break
        }
        if body.options.unknownCritical != nil { return .reset(.notSupported) }
        switch request.type {
        case .connect: return refusalOfTarget(body.address)
        case .associate:
            guard features.contains(.udp) else { return .reset(.notSupported) }
            return body.address == .none ? nil : .reset(.addressTypeNotSupported)
        case .resume:
            guard body.options.stripe == nil else { return .reset(.notSupported) }
            guard body.options.token != nil, body.options.received != nil else { return .reset(.failed) }
            guard body.address == .none else { return .reset(.addressTypeNotSupported) }
            return .reset(.nothingToResume)
        // A client is asked for nothing before it has a listener.
        case .incoming: return .reset(body.options.listener == nil ? .failed : .noSuchListener)
        case .later, .listen, .network, .park: return nil
        }
    }

    /// An OK with an option that must be known, and is not.
    static func refusal(ofOK body: RequestBody) -> ResetCode? {
        body.options.unknownCritical == nil ? nil : .notSupported
    }

    private func refusalOfTarget(_ address: AddressV2) -> RequestRefusal? {
        switch address {
        case .ipv4, .ipv6: nil
        // Not every name of the wire is one that a host can have.
        case .name: address.target == nil ? .reset(.noSuchName) : nil
        case .unix: features.contains(.unixTargets) ? nil : .reset(.addressTypeNotSupported)
        case .none: .reset(.addressTypeNotSupported)
        }
    }
}
