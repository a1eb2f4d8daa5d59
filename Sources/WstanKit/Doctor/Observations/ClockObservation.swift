import WstanBase

/// How far this host's clock is from another one.
struct ClockObservation {
    /// By how many seconds the other one is ahead.
    let ahead: Double
    /// Whose it is, in words that follow "agrees with".
    let owner: String
    /// Whether a request was refused, as one is that is made at another time.
    var explainsRefusal = false

    /// From here on a difference is worth a word.
    static let notableDifference: Double = 30

    var finding: Finding {
        guard abs(ahead) > Self.notableDifference else {
            // A date has no fractions.
            let text = abs(ahead) < 2 ? "agrees with" : "is \(HumanText.seconds(ahead)) from"
            return .ok("clock", "\(text) \(owner)")
        }
        let text = "this host's is \(HumanText.seconds(ahead)) \(ahead > 0 ? "behind" : "ahead of") \(owner)"
        let remedy = "set whichever is wrong, best by time synchronisation: timedatectl set-ntp true"
        guard explainsRefusal else {
            return .warning("clock", "\(text); requests expire after a minute", remedy: remedy)
        }
        return .failed(
            .other, "clock", "\(text); if that is the wstan server, it takes no request of this host", remedy: remedy)
    }
}
