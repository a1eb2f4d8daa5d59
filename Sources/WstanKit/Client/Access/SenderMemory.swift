import WstanBase

/// Which senders of datagrams the kernel is asked about, as a value. One that was refused is not asked about again for a
/// moment, and a flood of new ones costs a bounded number of questions.
struct SenderMemory<Sender: Hashable> {
    /// How long an answer of the kernel counts: a port may have another owner afterwards.
    static var life: Duration { .seconds(1) }
    /// Questions about new senders in that time, some microseconds each.
    static var questions: Int { 4096 }

    private var refused: Set<Sender> = []
    private var asked = 0
    private var ends = Instant(nanoseconds: 0)

    /// - Parameter isKnown: whether it was admitted before: there are few of these, each asked about once in a while.
    /// - Returns: false for one that was refused a moment ago, and for new ones while too many have come.
    mutating func mayAsk(about sender: Sender, isKnown: Bool, now: Instant) -> Bool {
        if now >= ends {
            refused.removeAll(keepingCapacity: true)
            asked = 0
            ends = now + Self.life
        }
        guard !refused.contains(sender), isKnown || asked < Self.questions else { return false }
        if !isKnown { asked += 1 }
        return true
    }

    mutating func refused(_ sender: Sender) {
        if refused.count < Self.questions { refused.insert(sender) }
    }
}
