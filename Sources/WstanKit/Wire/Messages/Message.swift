import WstanBase

/// The first byte of every message, under the key stream.
enum Command: UInt8 {
    case request = 0
    case data = 1
    case reset = 2
    case datagram = 3
}

/// REQ: connect to `target` and send it `data`.
package struct Request: Equatable {
    /// Seconds since the epoch, by the sender's clock; finite.
    var time: Double
    var target: Address
    var data: [UInt8]

    package init(time: Double, target: Address, data: [UInt8]) {
        self.time = time
        self.target = target
        self.data = data
    }

    /// Unsealed, without the tag.
    func encoded() -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(9 + 260 + data.count + Authenticator.tagSize)
        bytes.append(Command.request.rawValue)
        bytes.append(integer: time.bitPattern)
        target.encode(into: &bytes)
        bytes.append(contentsOf: data)
        return bytes
    }

    /// Reads what follows the command byte.
    static func read(_ body: UnsafeRawBufferPointer) throws(WireError) -> Request {
        var reader = ByteReader(body)
        let time = try readTime(&reader)
        guard let target = try Address.read(&reader) else { throw .malformed }
        return Request(time: time, target: target, data: Array(reader.readRest()))
    }

    /// A NaN passes every comparison that a window is made of, so what is not finite ends here.
    static func readTime(_ reader: inout ByteReader) throws(WireError) -> Double {
        guard let bits = reader.readInteger(UInt64.self) else { throw .malformed }
        let time = Double(bitPattern: bits)
        guard time.isFinite else { throw .malformed }
        return time
    }
}

/// What a connection's first message asks for.
package enum Opening: Equatable {
    case request(Request)
    case association(AssociationRequest)
    /// An "empty" request, RST and a time: the tunnel is open and idle. Only 0.5 servers know it.
    case idle(time: Double)

    var time: Double {
        switch self {
        case .request(let request): request.time
        case .association(let request): request.time
        case .idle(let time): time
        }
    }

    /// Reads a whole opened message, command byte included.
    static func read(_ message: UnsafeRawBufferPointer) throws(WireError) -> Opening {
        var reader = ByteReader(message)
        guard let byte = reader.readByte() else { throw .malformed }
        switch Command(rawValue: byte) {
        case .request:
            return .request(try Request.read(reader.readRest()))
        case .reset:
            let time = try Request.readTime(&reader)
            guard reader.remaining == 0 else { throw .malformed }
            return .idle(time: time)
        case .datagram:
            return .association(try AssociationRequest.read(reader.readRest()))
        case .data:
            throw .unexpectedCommand
        case nil:
            throw .malformed
        }
    }
}

/// RST: this connection is over. What a person should read, then what the system said.
struct Reset: Equatable {
    var reason: String
    var detail: String
    /// What version 2 says beside the words, or instead of them; nil in version 1, which has words only.
    var code: ResetCode?

    init(reason: String = "", detail: String = "", code: ResetCode? = nil) {
        self.reason = reason
        self.detail = detail
        self.code = code
    }

    /// Our end came to its end in good order.
    static let normal = Reset()
    /// Python's words for the two ends that broke; both implementations of the protocol know them.
    static let targetBroken = Reset(reason: "connection to target broken")
    static let userAgentBroken = Reset(reason: "connection to user-agent broken")

    /// Nothing has moved for long. In version 1 this is an end like any other.
    static let idle = Reset(code: .idle)

    /// The server tried and could not.
    static func unreachable(_ target: Address, _ detail: String, code: ResetCode? = nil) -> Reset {
        Reset(reason: unreachablePrefix + "\(target)", detail: detail, code: code)
    }

    /// The server's rules do not let this target be reached.
    ///
    /// - Parameter key: the key of its configuration that says so, or that would allow it.
    static func forbidden(key: String) -> Reset {
        Reset(reason: forbiddenReason, detail: key)
    }

    /// Python's servers use the same words.
    private static let unreachablePrefix = "can't connect to "
    private static let forbiddenReason = "the server's rules forbid this target"

    var isUnreachable: Bool { reason.hasPrefix(Self.unreachablePrefix) }
    var forbiddingKey: String? { reason == Self.forbiddenReason ? detail : nil }

    var isNormal: Bool { reason.isEmpty || reason.hasPrefix("  ") }

    /// Whether a connection that was up broke, as opposed to one that ended or was never made.
    var isBrokenConnection: Bool { reason == Self.targetBroken.reason || reason == Self.userAgentBroken.reason }

    /// The target was not reached, or the server gave up on it.
    var isFailure: Bool { !isNormal && !isBrokenConnection }

    /// Unsealed, without the tag; `padding` blanks (40 to 499) hide the length of what is said.
    func encoded(padding: Int) -> [UInt8] {
        var bytes = [Command.reset.rawValue]
        bytes.append(contentsOf: reason.utf8.prefix(WireLimits.resetText))
        bytes.append(contentsOf: Self.separator.utf8)
        bytes.append(contentsOf: detail.utf8.prefix(WireLimits.resetText))
        bytes.append(contentsOf: repeatElement(UInt8(ascii: " "), count: padding))
        return bytes
    }

    /// The size of `encoded(padding:)`.
    func encodedSize(padding: Int) -> Int {
        1 + min(reason.utf8.count, WireLimits.resetText) + Self.separator.utf8.count
            + min(detail.utf8.count, WireLimits.resetText) + padding
    }

    /// Reads what follows the command byte. Text that is no UTF-8 is repaired, not refused: it is only read by people.
    static func read(_ body: UnsafeRawBufferPointer) -> Reset {
        // On bytes: characters would be found anew for every blank of the padding.
        let text = body[..<((body.lastIndex { $0 != UInt8(ascii: " ") } ?? -1) + 1)]
        let mark = Array(separator.utf8)
        let place = text.indices.dropLast(mark.count - 1).first { text[$0...].starts(with: mark) }
        // Older servers send a reason and nothing else.
        let reason = text[..<(place ?? text.endIndex)]
        let detail = place.map { text[($0 + mark.count)...] } ?? text[text.endIndex...]
        return Reset(reason: String(decoding: reason, as: UTF8.self), detail: String(decoding: detail, as: UTF8.self))
    }

    private static let separator = "★"
}
