import WstanBase

/// The options of version 2 (protocol-v2.md section 5), with what their values look like.
enum OptionType: UInt16, CaseIterable, Sendable {
    // P1 and P2.
    case ciphers = 0x0001
    case features = 0x0002
    case record = 0x0003
    case kem = 0x0004
    case binding = 0x0005
    case agent = 0x0006
    case timers = 0x0007
    case pool = 0x0008
    case expiry = 0x0009
    case notice = 0x000a
    case shape = 0x000b
    case serverKey = 0x000c
    case userKey = 0x000d

    // Requests and OK.
    case resumable = 0x0010
    case received = 0x0011
    case token = 0x0012
    case listenKind = 0x0013
    case listener = 0x0014
    case peer = 0x0015
    case want = 0x0016
    case netKind = 0x0017
    case netAddress = 0x0018
    case netRoute = 0x0019
    case mtu = 0x001a
    case dns = 0x001b
    case mac = 0x001c
    case fullCone = 0x001d
    case lazy = 0x001f
    case instance = 0x0020
    case takeover = 0x0021
    case limit = 0x0022
    case attempt = 0x0023
    case stripe = 0x801e

    /// Who does not know a type with this bit must refuse what carries it.
    static let critical: UInt16 = 0x8000

    /// A value of another length is malformed.
    func takes(_ count: Int) -> Bool {
        switch self {
        case .takeover, .lazy, .fullCone: count == 0
        case .listenKind, .want, .netKind, .stripe: count == 1
        case .pool, .mtu, .limit: count == 2
        case .features, .record, .attempt: count == 4
        case .mac: count == 6
        case .timers, .expiry, .received, .listener: count == 8
        case .token, .instance: count == 16
        case .binding, .serverKey, .userKey: count == 32
        case .ciphers: (1...16).contains(count)
        case .agent: (1...32).contains(count)
        case .notice: count <= 255
        case .shape: count % 4 == 0 && count <= 4 * LimitsV2.shapes
        // The encapsulation key of ML-KEM-768 in P1, its ciphertext in P2.
        case .kem: count == 1184 || count == 1088
        // The wish of a CONNECT, and what its OK grants.
        case .resumable: count == 4 || count == 22
        case .peer: (1...AddressV2.mostEncoded).contains(count)
        case .netAddress, .netRoute, .dns: count <= LimitsV2.options
        }
    }

    /// Judges what a length alone does not.
    func check(_ value: UnsafeRawBufferPointer) throws(Violation) {
        guard takes(value.count) else { throw .optionLength }
        var reader = ByteReader(value)
        switch self {
        case .record:
            // Section 14.4.
            let size = reader.readInteger(UInt32.self) ?? 0
            guard (LimitsV2.leastPlaintext...LimitsV2.plaintext).contains(Int(size)) else { throw .optionValue }
        case .peer:
            _ = try AddressV2.read(&reader)
            guard reader.remaining == 0 else { throw .optionLength }
        case .netAddress, .netRoute:
            while reader.remaining > 0 { _ = try NetworkPrefix.read(&reader) }
        case .dns:
            while reader.remaining > 0 { _ = try NetworkPrefix.readAddress(&reader) }
        case .ciphers, .features, .kem, .binding, .agent, .timers, .pool, .expiry, .notice, .shape, .serverKey,
            .userKey, .resumable, .received, .token, .listenKind, .listener, .want, .netKind, .mtu, .mac, .fullCone,
            .lazy, .instance, .takeover, .limit, .attempt, .stripe:
            break
        }
    }
}
