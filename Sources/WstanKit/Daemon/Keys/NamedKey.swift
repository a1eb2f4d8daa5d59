import WstanBase
import WstanControl
import WstanCore

/// A key for a name of a server.
enum NamedKey: Sendable {
    case v1(Key)
    indirect case v2(UserKey)

    static func random(_ version: KeyVersion) -> NamedKey {
        switch version {
        case .v1: .v1(.random())
        case .v2: .v2(.random())
        }
    }

    var version: KeyVersion {
        switch self {
        case .v1: .v1
        case .v2: .v2
        }
    }

    var kind: Control.KeyKind {
        switch self {
        case .v1: .v1
        case .v2: .v2
        }
    }

    var id: KeyID {
        switch self {
        case .v1(let key): key.ringID
        case .v2(let key): key.ringID
        }
    }
}

extension KeyRing {
    mutating func add(_ name: KeyName, _ key: NamedKey, now: CalendarTime) throws(Problem) {
        switch key {
        case .v1(let key): try add(name, key, now: now)
        case .v2(let key): try add(name, key, now: now)
        }
    }

    mutating func rotate(_ name: KeyName, to key: NamedKey, grace: Duration, now: CalendarTime) throws(Problem) {
        switch key {
        case .v1(let key): try rotate(name, to: key, grace: grace, now: now)
        case .v2(let key): try rotate(name, to: key, grace: grace, now: now)
        }
    }

    /// The versions that a name has keys of.
    func versions(of name: KeyName) -> [KeyVersion] {
        guard let entry = entry(name) else { return [] }
        return (entry.v1.isEmpty ? [] : [.v1]) + (entry.v2.isEmpty ? [] : [.v2])
    }
}
