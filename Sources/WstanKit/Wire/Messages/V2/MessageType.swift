/// The first byte of a message, without the bit that says that padding follows (protocol-v2.md section 5).
enum MessageType: Hashable, Sendable {
    case nop
    case data
    case fin
    case reset
    case ok
    case ping
    case pong
    case rekey
    case bye
    case ack
    case dataAt
    case dgram
    case packet
    case need
    case request(RequestType)
    /// 40 to 7F: room for what a later version may say to one that does not know it.
    case ignorable(UInt8)

    /// The bit of the byte that says that a length of padding follows it.
    static let padded: UInt8 = 0x80

    /// - Returns: nil for a type that closes the tunnel.
    init?(byte: UInt8) {
        switch byte {
        case 0x00: self = .nop
        case 0x01: self = .data
        case 0x02: self = .fin
        case 0x03: self = .reset
        case 0x04: self = .ok
        case 0x05: self = .ping
        case 0x06: self = .pong
        case 0x07: self = .rekey
        case 0x08: self = .bye
        case 0x09: self = .ack
        case 0x0a: self = .dataAt
        case 0x0b: self = .dgram
        case 0x0c: self = .packet
        case 0x0d: self = .need
        case 0x10...0x1f: self = .request(RequestType(byte: byte))
        case 0x40...0x7f: self = .ignorable(byte)
        default: return nil
        }
    }

    var byte: UInt8 {
        switch self {
        case .nop: 0x00
        case .data: 0x01
        case .fin: 0x02
        case .reset: 0x03
        case .ok: 0x04
        case .ping: 0x05
        case .pong: 0x06
        case .rekey: 0x07
        case .bye: 0x08
        case .ack: 0x09
        case .dataAt: 0x0a
        case .dgram: 0x0b
        case .packet: 0x0c
        case .need: 0x0d
        case .request(let type): type.byte
        case .ignorable(let byte): byte
        }
    }
}

/// What a request asks for.
enum RequestType: Hashable, Sendable {
    case connect
    case associate
    case listen
    case park
    case incoming
    case network
    case resume
    /// 17 to 1F, of a later version. It begins a connection like the others, and is answered with RESET 7.
    case later(UInt8)

    /// - Parameter byte: 10 to 1F.
    fileprivate init(byte: UInt8) {
        switch byte {
        case 0x10: self = .connect
        case 0x11: self = .associate
        case 0x12: self = .listen
        case 0x13: self = .park
        case 0x14: self = .incoming
        case 0x15: self = .network
        case 0x16: self = .resume
        default: self = .later(byte)
        }
    }

    var byte: UInt8 {
        switch self {
        case .connect: 0x10
        case .associate: 0x11
        case .listen: 0x12
        case .park: 0x13
        case .incoming: 0x14
        case .network: 0x15
        case .resume: 0x16
        case .later(let byte): byte
        }
    }
}
