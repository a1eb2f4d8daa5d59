import WstanBase
import WstanCore

/// What a server's answer to a sealed request means, and what its clock says.
struct UpgradeObservation {
    let answer: UpgradeAnswer
    /// How far the time of a request may be from the server's, as far as is known.
    let requestLifetime: Duration

    /// From here on a difference of clocks is worth a word.
    static let notableDifference: Double = 30

    var findings: [Finding] { [verdict] + [clock].compactMap { $0 } }

    // MARK: The clock

    /// By how many seconds the server's clock is ahead.
    private var ahead: Double? { answer.clockAhead }

    /// Whose clock it is. Anything may have refused.
    private var owner: String {
        answer.isAccepted ? "the server's" : "that of the web server that answered (\(answer.server ?? "without a name"))"
    }

    private var clockExplainsRefusal: Bool {
        ahead.map { abs($0) > requestLifetime.inSeconds } ?? false
    }

    private var clock: Finding? {
        guard let ahead else { return nil }
        guard abs(ahead) > Self.notableDifference else {
            // A date has no fractions.
            let text = abs(ahead) < 2 ? "agrees with" : "is \(HumanText.seconds(ahead)) from"
            return .ok("clock", "\(text) \(owner)")
        }
        let text = "this host's is \(HumanText.seconds(ahead)) \(ahead > 0 ? "behind" : "ahead of") \(owner)"
        let remedy = "set whichever is wrong, best by time synchronisation: timedatectl set-ntp true"
        guard clockExplainsRefusal, !answer.isAccepted else {
            return .warning("clock", "\(text); requests expire after a minute", remedy: remedy)
        }
        return .failed(
            .other, "clock", "\(text); if that is the wstan server, it takes no request of this host", remedy: remedy)
    }

    // MARK: The answer

    private var verdict: Finding {
        guard !answer.isAccepted else { return .ok("tunnel", "the server knows the key and opens one") }
        let failure = DialFailure.refused(answer)
        // A front that does not reach its server.
        let part: Finding.Part = failure.mayBeRestart ? .reach : .other
        return .failed(part, "tunnel", failure.cause, remedy: failure.advice)
    }
}
