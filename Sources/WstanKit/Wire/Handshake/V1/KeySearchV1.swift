import WstanBase

/// Looks for the key that a request of version 1 was made with: a value, which goes on a piece at a time, since a stranger's fits
/// none and each tag is one over all of the request.
struct KeySearchV1 {
    enum Outcome {
        /// The budget is spent.
        case more
        /// It is for none of the keys.
        case notARequest
        case found(ServerHandshake.Candidate)
    }

    /// What is tried in any case. Beyond it, a key is passed over at a glance where that is possible.
    private static let unconditional = 16
    private static let unconditionalOfLarge = 4
    /// A Python client puts all of a plain HTTP request into the path; anybody else's is below this.
    static let large = 8 * 1024

    private let handshake: ServerHandshakeV1
    private let request: ServerHandshake.Request
    private let message: [UInt8]
    /// Of all keys; nil in compatible mode.
    private var nonce: Nonce?
    private var cookies: [ArraySlice<UInt8>] = []
    /// In compatible mode: what has been found in the cookies, by name. There are 26 names.
    private var cookieNonces: [String: Nonce?] = [:]
    private var refusal: WireError?
    private var place = 0
    private var tags = 0

    /// - Returns: nil when it is not a request of this version.
    init?(_ request: ServerHandshake.Request, by handshake: ServerHandshakeV1) {
        guard let message = Base64.decode(request.segment, .url), message.count >= ServerHandshakeV1.shortest else {
            return nil
        }
        self.handshake = handshake
        self.request = request
        self.message = message
        if handshake.mode.isCompatible {
            cookies = CompatibleMode.cookies(of: request.head)
        } else {
            nonce = Nonce(base64: request.key)
            if nonce == nil { refusal = .malformed }
        }
    }

    /// Bytes that it holds beside the head.
    var held: Int { request.segment.count + message.count }

    /// Whether one tag costs much.
    var isLarge: Bool { message.count > Self.large }

    /// - Parameter budget: how much is hashed at most, in bytes; one tag is made in any case.
    mutating func go(on budget: inout Int) throws(WireError) -> Outcome {
        if let refusal { throw refusal }
        let counter = nonce?.bytes ?? []
        while place < handshake.keys.count {
            let key = handshake.keys[place]
            let found = handshake.mode.isCompatible ? cookieNonce(key.cookieName) : nonce
            guard let nonce = found else {
                place += 1
                continue
            }
            if tags >= (isLarge ? Self.unconditionalOfLarge : Self.unconditional), handshake.mode.usesCipher {
                let counter = counter.isEmpty ? nonce.bytes : counter
                guard message.withUnsafeBytes({ key.glance.allows($0, under: counter) }) else {
                    place += 1
                    continue
                }
            }
            guard budget > 0 else { return .more }
            budget -= message.count + Self.costOfTag
            place += 1
            tags += 1
            if message.withUnsafeBytes({ key.authenticator.isAuthentic($0) }) {
                return .found(try handshake.candidate(request, message, key.authenticator, nonce))
            }
        }
        guard tags > 0 || !handshake.mode.isCompatible else { return .notARequest }
        throw .badAuthentication
    }

    private mutating func cookieNonce(_ name: String) -> Nonce? {
        if let known = cookieNonces[name] { return known }
        let found = CompatibleMode.nonce(in: cookies, name)
        cookieNonces[name] = .some(found)
        return found
    }

    /// What the beginning and the end of a tag take, in bytes that could be hashed in that time.
    private static let costOfTag = 400
}
