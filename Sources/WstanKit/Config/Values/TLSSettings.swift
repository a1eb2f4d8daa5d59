import WstanBase

/// Where TLS gets what it needs. Nothing is read here.
public struct TLSSettings: Sendable, Equatable {
    /// Of the server, a path of PEM: its certificate and what leads to the root. nil: the listener does not speak TLS.
    public var certificate: String?
    /// Of the server, a path of PEM: the private key of `certificate`.
    public var key: String?
    /// Of the server, a path of PEM: who signs the certificates of clients; nil: clients need none.
    public var clientCA: String?
    /// Of the client, a path of PEM: whom it believes instead of the system's store.
    public var caFile: String?
    /// Of the client: SHA-256 digests, 32 bytes each, of the SubjectPublicKeyInfo of servers; empty: any.
    public var pins: [[UInt8]] = []
    /// Of the client: the name that it asks for and checks instead of the URI's host.
    public var sni: String?
    /// Of the client: the server's certificate is checked.
    public var verify = true

    public init() {}

    /// Reads digests in base64, with `sha256/` before them or without, or in hexadecimal, with commas or blanks between.
    package static func pins(_ text: String) throws(ValueProblem) -> [[UInt8]] {
        var pins: [[UInt8]] = []
        for item in text.split(whereSeparator: { $0 == "," || $0.isWhitespace }) {
            let digits = (String(item).suffix(after: "sha256/") ?? String(item)).utf8
            guard let pin = digits.count == 64 ? Hex.decode(digits) : Base64.decode(digits), pin.count == 32
            else {
                throw ValueProblem(
                    "takes the SHA-256 of a public key, as sha256/ and 44 base64 characters or as 64 hexadecimal digits"
                )
            }
            pins.append(pin)
        }
        guard !pins.isEmpty else { throw ValueProblem("names no key: leave it out if none is to be pinned") }
        return pins
    }

    /// RFC 6066 section 3: a name of the DNS, no address.
    package static func serverName(_ text: String) throws(ValueProblem) -> String {
        let name = try HostPort.host(text)
        guard case .name = Host(text: name) else { throw ValueProblem("takes a name: TLS cannot ask for an address") }
        return name
    }
}
