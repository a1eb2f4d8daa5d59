import WstanBase

/// Asked before anything goes to a target: the rules, with this host's addresses of the moment. Confined to its worker.
final class TargetPolicy {
    private let worker: Worker
    var rules: TargetRules
    private let hostAddresses: HostAddresses
    private var own: Set<Host> = []
    private var nextLook: Instant

    init(worker: Worker, rules: TargetRules, hostAddresses: HostAddresses) {
        self.worker = worker
        self.rules = rules
        self.hostAddresses = hostAddresses
        nextLook = worker.now
    }

    /// - Returns: the key that refuses; nil when the name may be looked up.
    func refusal(ofName name: String, port: UInt16) -> String? {
        Self.key(rules.verdict(name: name, port: port))
    }

    /// - Parameter name: what the address was looked up by.
    /// - Returns: the key that refuses; nil when the target may be connected to, or sent to.
    func refusal(of target: SocketAddress, name: String?) -> String? {
        let address = Address(target)
        let own = rules.asksForOwn ? ownAddresses() : []
        return Self.key(rules.verdict(name: name, address: address.host, port: address.port, own: own))
    }

    private static func key(_ verdict: TargetRules.Verdict) -> String? {
        switch verdict {
        case .allowed: nil
        case .refused(let key): key
        }
    }

    private func ownAddresses() -> Set<Host> {
        if worker.now >= nextLook {
            own = hostAddresses.current(now: worker.now)
            nextLook = worker.now + HostAddresses.life
        }
        return own
    }
}
