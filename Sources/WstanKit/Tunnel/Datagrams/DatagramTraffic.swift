/// What an association has carried, and what it has not, as one of its ends saw it.
struct DatagramTraffic: Equatable {
    /// Towards the target.
    var up = 0
    /// Towards the user agent.
    var down = 0
    /// In either direction: no room, nowhere to go, or not from whom they should be.
    var dropped = 0
}
