import Synchronization

/// What the workers of a client have found out about its servers, all of them together. Any thread may use it.
package final class ServerLinks: Sendable {
    private struct Known {
        /// Of the first server, as tunnels to it are marked.
        var firstMark = 0
        var links: [ServerLink] = []
    }

    private let known = Mutex(Known())
    /// Called on any thread when there is something else to be said of a server.
    private let whenChanged: @Sendable () -> Void

    package init(whenChanged: @escaping @Sendable () -> Void = {}) {
        self.whenChanged = whenChanged
    }

    /// Other servers are meant from now on, or the same ones by other ways. Each worker says so; the first one counts.
    func begin(_ count: Int, firstMark: Int) {
        known.withLock { known in
            guard known.links.isEmpty || firstMark > known.firstMark else { return }
            known = Known(firstMark: firstMark, links: Array(repeating: ServerLink(), count: count))
        }
    }

    /// - Parameter mark: of tunnels to the server. One of a former configuration is of no interest.
    func update(_ mark: Int, _ body: (inout ServerLink) -> ServerLink.Change?) -> ServerLink.Change? {
        let (change, isNews): (ServerLink.Change?, Bool) = known.withLock { known in
            let index = mark - known.firstMark
            guard known.links.indices.contains(index) else { return (nil, false) }
            let former = known.links[index]
            let change = body(&known.links[index])
            let link = known.links[index]
            return (change, !link.state.saysTheSame(as: former.state) || link.keyTerm != former.keyTerm)
        }
        if isNews { whenChanged() }
        return change
    }

    /// Whether the last try with each server has failed.
    var areLost: Bool {
        known.withLock { known in
            !known.links.isEmpty && known.links.allSatisfy { if case .lost = $0.state { true } else { false } }
        }
    }

    /// Changes what no log line tells.
    ///
    /// - Returns: nil when the server with the mark is of a former configuration.
    @discardableResult
    func change<Result: Sendable>(_ mark: Int, _ body: (inout ServerLink) -> Result) -> Result? {
        known.withLock { known in
            let index = mark - known.firstMark
            guard known.links.indices.contains(index) else { return nil }
            return body(&known.links[index])
        }
    }

    /// Of the server with a mark; a fresh one when it is of a former configuration.
    func link(_ mark: Int) -> ServerLink {
        known.withLock { known in
            let index = mark - known.firstMark
            return known.links.indices.contains(index) ? known.links[index] : ServerLink()
        }
    }
}
