@testable import WstanBase
@testable import WstanCore

extension Moment {
    /// Of two clocks that agree.
    init(_ seconds: Double) {
        self.init(wall: seconds, boot: seconds)
    }
}

extension Authentication {
    func verify(_ head: HTTPHead, now: Double) throws(Refusal) -> VerifiedRequest {
        try verify(head, now: Moment(now))
    }

    func admit(_ stamp: RequestStamp, under key: KeyID, now: Double) throws(Refusal) {
        try admit(stamp, under: key, now: Moment(now))
    }
}

extension ReplayGuard {
    /// Of a request whose life is a minute.
    func admit(_ token: Nonce, of time: Double, under key: KeyID, now: Moment) -> Admission {
        admit(Claim(token: token, key: key, time: time, lifetime: 60), now: now)
    }
}
