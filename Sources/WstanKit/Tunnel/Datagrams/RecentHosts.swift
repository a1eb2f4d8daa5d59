import WstanBase

/// A bounded set of hosts that forgets those that were not used for longest: in two generations, so that using one costs
/// no more than a look-up.
struct RecentHosts {
    private var young: Set<Host> = []
    private var old: Set<Host> = []
    private let capacity: Int

    /// - Parameter capacity: it remembers at least the half of it, and never more.
    init(capacity: Int) {
        self.capacity = capacity
    }

    var count: Int { young.count + old.count }

    func contains(_ host: Host) -> Bool {
        young.contains(host) || old.contains(host)
    }

    mutating func insert(_ host: Host) {
        guard !young.contains(host) else { return }
        old.remove(host)
        if young.count >= capacity / 2 {
            old = young
            young = []
        }
        young.insert(host)
    }
}
