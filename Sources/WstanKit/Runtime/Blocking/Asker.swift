import WstanBase

/// One of those among whom something is shared out. Not any hashable value: it is hashed several times for every connection, and a
/// box that can hold anything cost 20,000 instructions more.
package enum Party: Hashable, Sendable, ExpressibleByStringLiteral {
    case host(Host)
    /// A user of this host.
    case user(UInt32)
    /// Who holds a key, by the key's name.
    case holder(String)
    /// A key that has no name, by its ID.
    case key(UInt64)
    /// This process, by what it does.
    case own(String)

    package init(stringLiteral text: String) {
        self = .own(text)
    }
}

/// On whose behalf something is done that is shared out: among holders of keys first, then among each one's sources. So
/// those behind one front are not one, and who has many addresses has no more than others.
package struct Asker: Hashable, Sendable, ExpressibleByStringLiteral {
    let holder: Party
    /// Nil: the holder is not divided.
    let source: Party?

    package init(_ holder: Party, from source: Party? = nil) {
        self.holder = holder
        self.source = source
    }

    package init(stringLiteral text: String) {
        self.init(.own(text))
    }
}
