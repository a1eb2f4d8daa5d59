/// A key of version 2 as text: `wstan2:` and the base64url of `kind(1) || payload || realm(0 to 32) || check(4)`, without
/// padding. What the payload means is not known here.
public struct KeyStringText: Sendable, Equatable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public enum Kind: UInt8, CaseIterable, Sendable {
        /// 32 bytes, from which the server's private key and the user's secret follow: one string for both ends.
        case shared = 1
        /// The server's public key and the user's secret: for a client, which cannot play the server.
        case client = 2
        /// The server's private key: for a server, whose users are in its ring.
        case server = 3

        public var payloadSize: Int {
            switch self {
            case .shared, .server: 32
            case .client: 64
            }
        }

        /// Whether that end can work with it.
        public func isFor(client isClient: Bool) -> Bool { self != (isClient ? .server : .client) }

        /// Whether that end is to be given it. A client can work with a shared one, and can then play the server.
        public func belongs(toClient isClient: Bool) -> Bool { (self == .client) == isClient }

        /// That it is one of the other end, in words that follow "the key".
        public func isOfOtherEnd(client isClient: Bool) -> String {
            guard isClient else {
                return "is a client's, and a server's is needed: remove it, and \"wstanctl init server\" makes one; "
                    + "\"wstand -g --v2\" prints one with the string for its client"
            }
            let derived = self == .shared ? ", and \"wstand --client-key\" makes one of this string" : ""
            return "is a server's, and a client's is needed: \"wstanctl client-config --key NAME\" prints one at the server"
                + derived
        }
    }

    public static let prefix = "wstan2:"
    /// What the check is made of: the first bytes of SHA-256 over this and all before it.
    public static let checkLabel = Array("wstan2 key".utf8)
    public static let checkSize = 4
    public static let mostRealmBytes = 32
    /// kind, payload, realm, check.
    private static let lengths = 1 + 32 + checkSize...1 + 64 + mostRealmBytes + checkSize

    public let kind: Kind
    /// All of it. The caller may erase it.
    public var bytes: [UInt8]

    public var payload: ArraySlice<UInt8> { bytes[1...].prefix(kind.payloadSize) }
    public var realm: ArraySlice<UInt8> { bytes[(1 + kind.payloadSize)...].dropLast(Self.checkSize) }

    public var description: String { "<key>" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: []) }

    /// - Parameter check: makes that of what stands before it.
    /// - Throws: what is wrong with it, without a byte of what may be a key.
    public init(_ text: String, check: (UnsafeRawBufferPointer) -> ArraySlice<UInt8>) throws(Problem) {
        guard text.utf8.starts(with: Self.prefix.utf8) else { throw Problem(ofPrefix: text) }
        let body = text.utf8.dropFirst(Self.prefix.utf8.count)
        guard !body.isEmpty else { throw .empty }
        if let place = body.firstIndex(where: { !KeyBase64.isURLSymbol($0) }) {
            throw .character(place: text.utf8.distance(from: text.startIndex, to: place) + 1, body[place])
        }
        guard body.count <= (Self.lengths.upperBound * 4 + 2) / 3 else { throw .tooLong }
        guard let bytes = KeyBase64.decode(urlSymbols: body) else { throw .damaged }
        guard bytes.count >= Self.lengths.lowerBound else { throw .tooShort }
        let isWhole = bytes.withUnsafeBytes { bytes in
            check(UnsafeRawBufferPointer(rebasing: bytes.dropLast(Self.checkSize))).elementsEqual(bytes.suffix(Self.checkSize))
        }
        guard isWhole else { throw .damaged }
        guard let kind = Kind(rawValue: bytes[0]) else { throw .unknownKind(bytes[0]) }
        let realm = bytes.count - Self.checkSize - 1 - kind.payloadSize
        guard (0...Self.mostRealmBytes).contains(realm) else { throw .length(kind) }
        self.kind = kind
        self.bytes = bytes
    }
}
