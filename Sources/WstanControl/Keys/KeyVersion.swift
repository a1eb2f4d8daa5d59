/// The versions of the protocol that a key of a name can be of.
public enum KeyVersion: Int, CaseIterable, Sendable {
    case v1 = 1
    case v2 = 2
}
