import WstanBase

/// What the journal has in a slot.
struct ReplayRecord: Equatable, Sendable {
    enum Content: Equatable, Sendable {
        /// A request that was accepted: what is unique to it among those of its key.
        case request(Nonce)
        /// A line that stands for all requests of a key that was retired: their units, see `ReplayMemory.unit`.
        case retired(ForgottenSpans.Span)
    }

    /// Under which it was sealed.
    let key: KeyID
    let content: Content
    /// When it was made, or the last of those that the line stands for; in seconds since the epoch.
    let time: Double
    /// Where it stands.
    let slot: Int

    var isLine: Bool {
        if case .retired = content { true } else { false }
    }
}
