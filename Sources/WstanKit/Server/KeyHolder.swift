/// Who holds a key, where something is shared out among holders: a name's keys are one's. A key that has left the ring
/// keeps its tunnels, and stands for itself.
enum KeyHolder: Hashable, Sendable {
    case name(KeyName)
    case key(KeyID)
}
