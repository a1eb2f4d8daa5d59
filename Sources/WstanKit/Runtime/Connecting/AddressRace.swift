/// The order of connection attempts to a name with several addresses: happy eyeballs (RFC 8305) as a value. Events go
/// in, what to do next comes out; the clock and the sockets are the caller's.
struct AddressRace {
    enum Action: Equatable {
        case connect(SocketAddress)
        /// Report back with `delayPassed(number)` after this time, unless it is all over by then.
        case delay(Duration, number: Int)
        case fail
    }

    /// Section 5: how long one attempt runs before the next one joins it.
    static let attemptDelay: Duration = .milliseconds(250)
    /// Section 3: how long an answer for IPv4 waits for that for IPv6.
    static let resolutionDelay: Duration = .milliseconds(50)

    private var ipv6: [SocketAddress] = []
    private var ipv4: [SocketAddress] = []
    private var pendingLookUps = 2
    private var running = 0
    private var hasStarted = false
    private var prefersIPv6 = true
    private var currentDelay = 0
    private var isDelayed = false

    /// The answer for one family; empty when there is none.
    mutating func resolved(_ addresses: [SocketAddress], family: Resolver.Family) -> [Action] {
        pendingLookUps -= 1
        switch family {
        case .ipv6: ipv6 = addresses
        case .ipv4: ipv4 = addresses
        }
        if hasStarted {
            // Only attempts that are under way and still have time make this one wait for the delay.
            return running == 0 || !isDelayed ? startNext() : []
        }
        if family == .ipv4, !addresses.isEmpty, pendingLookUps > 0 { return [delay(Self.resolutionDelay)] }
        if addresses.isEmpty, pendingLookUps > 0 { return [] }
        return startNext()
    }

    mutating func delayPassed(_ number: Int) -> [Action] {
        guard number == currentDelay, isDelayed else { return [] }
        isDelayed = false
        return startNext()
    }

    mutating func attemptFailed() -> [Action] {
        running -= 1
        return startNext()
    }

    private mutating func startNext() -> [Action] {
        guard let address = takeNext() else { return failIfOver() }
        hasStarted = true
        running += 1
        return [.connect(address), delay(Self.attemptDelay)]
    }

    private mutating func failIfOver() -> [Action] {
        running == 0 && pendingLookUps == 0 && ipv4.isEmpty && ipv6.isEmpty ? [.fail] : []
    }

    private mutating func delay(_ duration: Duration) -> Action {
        currentDelay += 1
        isDelayed = true
        return .delay(duration, number: currentDelay)
    }

    /// Section 4: the families in turn, IPv6 first.
    private mutating func takeNext() -> SocketAddress? {
        let takesIPv6 = ipv4.isEmpty || prefersIPv6 && !ipv6.isEmpty
        guard !(takesIPv6 ? ipv6 : ipv4).isEmpty else { return nil }
        prefersIPv6 = !takesIPv6
        return takesIPv6 ? ipv6.removeFirst() : ipv4.removeFirst()
    }
}
