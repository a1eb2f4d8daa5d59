import WstanControl

/// A client's servers and the certificates of both ends, for a person.
enum LinkText {
    /// - Returns: what is said of each server, one below the other: how it is, then what to do.
    static func lines(_ server: Control.Server, among count: Int, now: Int) -> [String] {
        var head = "\(server.uri) \(server.condition(now))"
        if server.state == .reachable {
            if let carrier = server.carrier { head += ", carrier \(carrier.rawValue)" }
            if count > 1, server.used { head += ", in use" }
            if count > 1, let roundTrip = server.rttUSec {
                head += ", \(Amount.roundTrip(microseconds: roundTrip)) TCP RTT"
            }
        }
        var lines = [head]
        if server.state == .reachable, let carrier = server.carrier, let cause = server.carrierCause {
            lines += ["carrier changed: \(cause)", "to begin with it: carrier = \(carrier.rawValue) in [client]"]
        }
        if server.state != .reachable {
            if let advice = server.advice { lines.append(advice) }
            if server.state == .unreachable, let last = server.lastSuccessTimestampUSec {
                lines.append("last heard of \(Amount.shortTime(from: last, to: now)) ago")
            }
        }
        if let end = server.certificateEndTimestampUSec {
            lines.append("certificate \(end < now ? "expired" : "expires") on \(TimeText.end(end, now: now))")
        }
        return lines
    }

    /// Of the certificate that this end shows.
    static func lines(_ certificate: Control.Certificate, now: Int) -> [String] {
        var head = "for " + (certificate.names.isEmpty ? "no name" : certificate.names.joined(separator: ", "))
        if let end = certificate.endTimestampUSec {
            head +=
                end < now
                ? ", expired on \(TimeText.end(end, now: now)): renew it"
                : ", expires on \(TimeText.end(end, now: now))"
        }
        return [head]
            + [
                certificate.mismatchedHost.map { "not for \($0): clients that check it do not connect" },
                certificate.refusal.map { "the new one is not used: \($0)" }, certificate.file,
            ].compactMap { $0 }
    }
}
