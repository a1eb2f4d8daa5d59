/// On whose behalf something is done that is shared out: among holders of keys first, then among each one's sources. So
/// those behind one front are not one, and who has many addresses has no more than others.
package struct Asker: Hashable, @unchecked Sendable {
    // Only compared, never changed.
    let holder: AnyHashable
    /// Nil: the holder is not divided.
    let source: AnyHashable?

    package init(_ holder: AnyHashable, from source: AnyHashable?) {
        self.holder = holder
        self.source = source
    }

    /// - Parameter peer: an asker, or anything else, which stands for itself.
    init(_ peer: AnyHashable) {
        self = peer.base as? Asker ?? Asker(peer, from: nil)
    }
}
