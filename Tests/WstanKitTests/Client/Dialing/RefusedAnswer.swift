@testable import WstanCore

extension DialFailure {
    /// An answer of which nothing else is known.
    static func refused(status: Int, clockAhead: Double? = nil) -> DialFailure {
        var answer = UpgradeAnswer(status: status)
        answer.clockAhead = clockAhead
        answer.failure = .status(status)
        return .refused(answer)
    }

    /// The status of an answer that opened no tunnel; nil for any other failure.
    var status: Int? {
        if case .refused(let answer) = bare { answer.status } else { nil }
    }
}
