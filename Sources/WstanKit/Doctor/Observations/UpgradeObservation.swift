import WstanBase
import WstanCore

/// What a server's answer to a sealed request means, and what its clock says.
struct UpgradeObservation {
    let answer: UpgradeAnswer
    /// How far the time of a request may be from the server's, as far as is known.
    let requestLifetime: Duration

    var findings: [Finding] { [verdict] + [clock].compactMap { $0 } }

    // MARK: The clock

    /// Whose clock it is. Anything may have refused.
    private var owner: String {
        answer.isAccepted ? "the server's" : "that of the web server that answered (\(answer.server ?? "without a name"))"
    }

    private var clock: Finding? {
        answer.clockAhead.map { ahead in
            let explainsRefusal = !answer.isAccepted && abs(ahead) > requestLifetime.inSeconds
            return ClockObservation(ahead: ahead, owner: owner, explainsRefusal: explainsRefusal).finding
        }
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
