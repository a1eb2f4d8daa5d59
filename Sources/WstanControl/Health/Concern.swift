/// Something about a daemon that an administrator should see to.
public struct Concern: Sendable, Equatable {
    public enum Severity: Int, Comparable, Sendable {
        /// Whether it works is not known.
        case unknown
        case warning
        case critical

        public static func < (a: Severity, b: Severity) -> Bool { a.rawValue < b.rawValue }
    }

    public var severity: Severity
    /// What it is, as a clause: `server ws://host:80/ unreachable for 2min: connection refused`.
    public var text: String
    /// What to do, where that is known.
    public var advice: String?

    public init(_ severity: Severity, _ text: String, advice: String? = nil) {
        self.severity = severity
        self.text = text
        self.advice = advice
    }

    /// The sockets of systemd come before what the configuration says.
    ///
    /// - Parameters:
    ///   - listen: of the configuration. It and `others` are empty where they may not be told.
    ///   - others: where systemd listens.
    ///   - unit: without its suffix, such as `wstand`.
    public static func replaced(
        listen: [String], by others: [String], unit: String, systemctl: String = "systemctl"
    ) -> Concern {
        let places = listen.isEmpty ? "" : " = " + listen.joined(separator: ", ")
        let others = others.isEmpty ? "other addresses" : others.joined(separator: ", ")
        return Concern(
            .warning, "listen\(places) is not in force: systemd listens on \(others)",
            advice: "\(systemctl) disable --now \(unit).socket (wstanctl init server --uri URI, if init has set it up), then "
                + "\(systemctl) restart \(unit); or remove listen")
    }

    /// Other hosts find no TLS at `places`, although the URI says that there is; empty where they may not be told.
    public static func withoutTLS(on places: [String]) -> Concern {
        let places = places.isEmpty ? "" : " on " + places.joined(separator: ", ")
        return Concern(
            .warning, "serves without TLS\(places) although its uri says wss: right only behind a front that terminates TLS",
            advice: "set [tls] certificate, or listen on loopback, or name the front's address in trusted-proxies")
    }

    /// A server with `accept-v1 = no` has keys of version 1 that are not retired.
    ///
    /// - Parameters:
    ///   - names: whose they are; empty where they may not be told.
    ///   - areAll: whether the server accepts no other key.
    public static func refusedKeys(of names: [String], areAll: Bool) -> Concern {
        let whose = names.isEmpty ? "" : " (\(NameList.text(names)))"
        let what = areAll ? "every key\(whose), so no client can connect" : "keys of version 1\(whose)"
        let remedy =
            names.isEmpty
            ? "sudo wstanctl status"
            : "set accept-v1 = yes until their clients have moved to version 2 (wstanctl add-key NAME --v2), and retire the "
                + "keys then (wstanctl retire-key ID)"
        return Concern(areAll ? .critical : .warning, "accept-v1 = no refuses \(what): \(remedy)")
    }
}

extension GetStatus.Reply {
    /// What there is to see to. Without any, a connection that is made now works. What a status line, a monitor and a screen say of
    /// a daemon is made of these.
    ///
    /// - Parameters:
    ///   - now: microseconds since 1970.
    ///   - systemctl: the command that reaches the daemon's service manager.
    ///   - isBrief: whether an only server goes without its URI.
    public func concerns(now: Int, systemctl: String = "systemctl", isBrief: Bool = false) -> [Concern] {
        let unit = instance.map { "wstand@" + $0 } ?? "wstand"
        var concerns: [Concern] = []
        if state != .running {
            let time = drainStartTimestampUSec.map { " for " + TimeText.short(microseconds: TimeText.difference(now, $0)) }
            let left = tunnelsActive == 1 ? "1 tunnel left" : "\(tunnelsActive) tunnels left"
            concerns.append(Concern(.warning, state.rawValue + (time.map { "\($0), \(left)" } ?? "")))
        }
        concerns += serverConcerns(now, isBrief: isBrief)
        concerns += certificate?.concerns(now) ?? []
        concerns += listenConcerns(systemctl)
        if let keyConcern { concerns.append(keyConcern) }
        if let concern = reloadConcern(now) { concerns.append(concern) }
        if let names = requiresRestart, !names.isEmpty {
            let text = "restart needed for \(names.joined(separator: ", "))"
            concerns.append(Concern(.warning, text, advice: "\(systemctl) restart \(unit)"))
        }
        if filesChanged == true {
            let text = "configuration files changed since they were read"
            concerns.append(Concern(.warning, text, advice: "\(systemctl) reload \(unit)"))
        }
        if let warnings {
            concerns += warnings.map { Concern(.warning, $0) }
        } else if let warningCount, warningCount > 0 {
            let text = warningCount == 1 ? "1 warning" : "\(warningCount) warnings"
            concerns.append(Concern(.warning, "\(text), shown to root: sudo wstanctl status"))
        }
        return concerns
    }

    private func serverConcerns(_ now: Int, isBrief: Bool) -> [Concern] {
        let servers = servers ?? []
        let isNameless = isBrief && servers.count == 1
        let isServed = servers.contains { $0.state == .reachable }
        return servers.flatMap { server in
            let name = isNameless ? "server" : "server \(server.uri)"
            return [
                server.concern(name, now, isServed: isServed), server.certificateConcern(name, now),
                keyConcern(of: server, name, now),
            ].compactMap { $0 }
        }
    }

    /// That it listens elsewhere, or otherwise, than its configuration says.
    public func listenConcerns(_ systemctl: String = "systemctl") -> [Concern] {
        let unit = instance.map { "wstand@" + $0 } ?? "wstand"
        var concerns: [Concern] = []
        if let replacedListen {
            let passed = listeners.filter { $0.activated && $0.address.first != "/" }.map(\.address)
            concerns.append(.replaced(listen: replacedListen, by: passed, unit: unit, systemctl: systemctl))
        }
        if let withoutTLS, trustsFront != true { concerns.append(.withoutTLS(on: withoutTLS)) }
        return concerns
    }

    /// That it refuses keys which are not retired.
    public var keyConcern: Concern? { refusedKeys.map { .refusedKeys(of: $0, areAll: refusesAllKeys == true) } }

    private func reloadConcern(_ now: Int) -> Concern? {
        let error = configurationErrors?.first
        guard reloadFailureTimestampUSec != nil || error != nil else { return nil }
        let time = reloadFailureTimestampUSec.map {
            " \(TimeText.short(microseconds: TimeText.difference(now, $0))) ago"
        }
        let text = "last reload failed\(time ?? "")" + (error.map { ": " + $0 } ?? "")
        return Concern(.critical, text, advice: "wstanctl check-config")
    }
}

extension Control.Server {
    /// How it is: `unreachable for 2min: connection refused`.
    ///
    /// - Parameter now: microseconds since 1970.
    public func condition(_ now: Int) -> String {
        func ago(_ time: Int) -> String { TimeText.short(microseconds: TimeText.difference(now, time)) }
        switch state {
        case .reachable:
            return "reachable" + (sinceTimestampUSec.map { " for \(ago($0))" } ?? "")
        case .unreachable:
            var text = "unreachable" + (sinceTimestampUSec.map { " for \(ago($0))" } ?? "")
            if let cause { text += ": \(cause)" }
            if let last = lastFailureTimestampUSec, TimeText.difference(now, last) > Self.longestPause {
                text += "; not tried for \(ago(last))"
            }
            return text
        case .unknown:
            if let cause { return "not known to work: \(cause)" }
            guard let last = lastSuccessTimestampUSec else { return trying ? "being tried" : "not tried yet" }
            return trying || tunnels > 0 ? "no answer for \(ago(last))" : "not tried since it worked \(ago(last)) ago"
        }
    }

    /// A client that keeps a pool tries again within this.
    private static var longestPause: Int { 360_000_000 }

    /// - Parameter isServed: whether another server works.
    fileprivate func concern(_ name: String, _ now: Int, isServed: Bool) -> Concern? {
        let severity: Concern.Severity
        switch state {
        case .reachable: return nil
        case .unreachable: severity = isServed ? .warning : .critical
        case .unknown:
            // One that was not needed was not tried.
            guard used || cause != nil else { return nil }
            severity = cause == nil ? .unknown : .warning
        }
        return Concern(severity, "\(name) \(condition(now))", advice: advice)
    }

    fileprivate func certificateConcern(_ name: String, _ now: Int) -> Concern? {
        certificateEndTimestampUSec.flatMap { Control.Certificate.concern("certificate of \(name)", $0, now) }
    }
}

extension Control.Certificate {
    /// Who renews by a timer has done it by then, and who does it by hand has time left.
    private static var notice: Int { 14 * TimeText.day }

    fileprivate static func concern(_ subject: String, _ end: Int, _ now: Int) -> Concern? {
        let text = TimeText.end(end, now: now)
        if end < now { return Concern(.critical, "\(subject) expired on \(text)", advice: "renew it") }
        guard TimeText.difference(end, now) < notice else { return nil }
        let advice = "renew it, and see why that has not happened by itself (certbot renew --dry-run)"
        return Concern(.warning, "\(subject) expires on \(text)", advice: advice)
    }

    fileprivate func concerns(_ now: Int) -> [Concern] {
        var concerns = [endTimestampUSec.flatMap { Self.concern("certificate", $0, now) }].compactMap { $0 }
        if let mismatchedHost {
            let names = names.isEmpty ? "no name" : names.joined(separator: ", ")
            let text = "certificate is for \(names), not for \(mismatchedHost)"
            concerns.append(
                Concern(.critical, text, advice: "clients that check it do not connect: get one for that name"))
        }
        if let refusal {
            concerns.append(Concern(.warning, "new certificate not used: \(refusal)"))
        }
        return concerns
    }
}
