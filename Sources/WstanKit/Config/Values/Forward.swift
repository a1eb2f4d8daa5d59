/// A static forward of the client: what arrives at one place goes through the tunnel to one target.
public struct Forward: Sendable, Equatable {
    public enum Transport: String, Sendable, CaseIterable {
        case tcp
        case udp
    }

    /// For the log; unique.
    public let name: String
    /// Never empty; for datagrams there are no Unix sockets among them.
    public let listen: [ListenAddress]
    public let target: TargetAddress
    public let transport: Transport

    public init(name: String, listen: [ListenAddress], target: TargetAddress, transport: Transport) {
        self.name = name
        self.listen = listen
        self.target = target
        self.transport = transport
    }
}
