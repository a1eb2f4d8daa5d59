/// Seals the messages of one direction, in the version of the protocol that opened the tunnel.
package enum Sealer {
    case version1(SealerV1)

    /// Bytes that a version may write before the data of a message, beside the frame's head: a type, and in version 2 the
    /// length of a padding.
    static let headroom = 3
    /// Bytes that a version may write behind the data: the tag of an AEAD.
    static let tailroom = 16

    init(authenticator: Authenticator, stream: KeyStream?) {
        self = .version1(SealerV1(authenticator: authenticator, stream: stream))
    }

    /// Seals data of a connection in place; none asks the server, or tells the client, whether the target has answered.
    ///
    /// - Parameter start: of the data, with `headroom` before them and `tailroom` behind.
    /// - Returns: the message, which may begin before the data and end behind them.
    func seal(data start: UnsafeMutableRawPointer, count: Int) -> UnsafeMutableRawBufferPointer {
        switch self {
        case .version1(let sealer): sealer.seal(data: start, count: count)
        }
    }

    func seal(request: Request) -> [UInt8] {
        switch self {
        case .version1(let sealer): sealer.seal(request: request)
        }
    }

    func seal(association request: AssociationRequest) -> [UInt8] {
        switch self {
        case .version1(let sealer): sealer.seal(association: request)
        }
    }

    func seal(datagram: Datagram) -> [UInt8] {
        switch self {
        case .version1(let sealer): sealer.seal(datagram: datagram)
        }
    }

    /// Seals the message of a datagram in place.
    func seal(datagram message: UnsafeMutableRawBufferPointer) {
        switch self {
        case .version1(let sealer): sealer.seal(datagram: message)
        }
    }

    /// An "empty" request, which opens an idle tunnel.
    func seal(idleAt time: Double) -> [UInt8] {
        switch self {
        case .version1(let sealer): sealer.seal(idleAt: time)
        }
    }

    /// - Parameter random: chooses the padding that hides the length of what is said.
    func seal(reset: Reset, random: UInt32) -> [UInt8] {
        switch self {
        case .version1(let sealer): sealer.seal(reset: reset, random: random)
        }
    }
}
