import WstanBase

/// What an OK grants to a CONNECT that wishes to survive its tunnel (RESUMABLE, section 7.6).
struct Resumption: Equatable, Sendable {
    var token: [UInt8]
    var seconds: UInt16
    var window: UInt32
}

extension Options {
    // MARK: Streams

    /// The window that a CONNECT wishes; nil as well where the option is an OK's.
    var resumableWindow: UInt32? { self[.resumable]?.count == 4 ? integer(.resumable) : nil }

    /// What an OK grants; nil as well where the option is a CONNECT's.
    var resumption: Resumption? {
        guard let value = self[.resumable], value.count == 22, let seconds: UInt16 = integer(.resumable, at: 16),
            let window: UInt32 = integer(.resumable, at: 18)
        else { return nil }
        return Resumption(token: Array(value[..<16]), seconds: seconds, window: window)
    }

    mutating func set(_ resumption: Resumption) {
        var value = resumption.token
        value.append(integer: resumption.seconds)
        value.append(integer: resumption.window)
        set(.resumable, value)
    }

    /// How many bytes of the peer's direction have been delivered.
    var received: UInt64? { integer(.received) }
    /// 16 bytes that name what is resumed, or a network.
    var token: [UInt8]? { self[.token] }
    /// Of a RESUME: higher with each attempt for its token.
    var attempt: UInt32? { integer(.attempt) }
    /// Of a RESUME: the leg of a striped connection that it asks for (7.7).
    var stripe: UInt8? { self[.stripe]?.first }

    // MARK: Reverse forwards

    var listenKind: ListenKind? { self[.listenKind]?.first.map { ListenKind(byte: $0) } }
    /// The number of a listener, random, of this user.
    var listener: UInt64? { integer(.listener) }
    /// Tunnels that the client will keep parked.
    var want: UInt8? { self[.want]?.first }
    /// Who may take a listener back: 16 random bytes that the client keeps.
    var instance: [UInt8]? { self[.instance] }
    /// Connections at once that the client takes.
    var limit: UInt16? { integer(.limit) }

    /// Who has connected to a listener.
    var peer: AddressV2? {
        self[.peer]?.withUnsafeBytes { bytes in
            var reader = ByteReader(bytes)
            return try? AddressV2.read(&reader)
        }
    }

    mutating func set(peer: AddressV2) {
        var value: [UInt8] = []
        peer.encode(into: &value)
        set(.peer, value)
    }
}

/// What a LISTEN listens for.
enum ListenKind: Equatable, Sendable {
    /// TCP, or a Unix socket.
    case stream
    case udp
    /// 2 is reserved; higher ones are not known. Both are answered with RESET 7.
    case other(UInt8)

    fileprivate init(byte: UInt8) {
        self =
            switch byte {
            case 0: .stream
            case 1: .udp
            default: .other(byte)
            }
    }

    var byte: UInt8 {
        switch self {
        case .stream: 0
        case .udp: 1
        case .other(let byte): byte
        }
    }
}
