@testable import WstanCore

extension FuzzTarget {
    /// Messages as a peer with the key could seal them, well or badly, and bytes from one without it: an opener says
    /// the same however they are cut, holds no more than it may, and takes nothing for authentic that is not.
    static let opener = FuzzTarget(
        "opener",
        seeds: [
            [1, 0, 2, 0, 9, 0, 2, 30, 0, 0x41, 0xda, 0x47, 0x3d, 0xd1, 0, 0, 0, 0, 1, 127, 0, 0, 1, 0, 80, 65, 66],
            [0, 0, 1, 1, 1, 1, 2, 12, 2, 32, 32, 0xe2, 0x98, 0x85, 32, 32, 1, 5, 1, 72, 73, 74, 75],
            [1, 0, 3, 0, 0, 1, 0, 4, 1, 2, 3, 4, 3, 5, 1, 9, 1, 1, 3, 0],
            [1, 2, 3, 0, 0, 1, 1, 9, 3, 0, 1, 127, 0, 0, 1, 0, 53],
            [1, 3, 3, 0, 0, 1, 2, 18, 3, 0x41, 0xda, 0x47, 0x3d, 0xd1, 0, 0, 0, 0, 1, 127, 0, 0, 1, 0, 53, 7],
        ]
    ) { input in
        let usesCipher = input.flag()
        // The last one where Python's clients may ask without a tag.
        let kind = input.choice(of: [0, 1, 2, 3])
        let expected: Opener.Expectation = [.bytes, .request, .datagrams, .request][kind]
        let allowsBare = kind == 3
        let cuts = input.cuts()
        var messages: [[UInt8]] = []
        let stream = usesCipher ? KeyStream(key: FuzzKey.known, nonce: FuzzKey.nonce) : nil
        let authenticator = Authenticator(key: FuzzKey.known)
        var authentic = 0
        while !input.isOver {
            let kind = input.below(4)
            var bytes = input.take(Int(input.byte()))
            switch kind {
            case 0: break  // As it comes.
            case 1:
                stream?.apply(to: &bytes)
            case 2:
                stream?.apply(to: &bytes)
                bytes += bytes.withUnsafeBytes { authenticator.tag(over: $0) }
                authentic += 1
            default:
                // More than may be held.
                let count = input.choice(of: [
                    WireLimits.reset - 1, WireLimits.reset, WireLimits.request - 1, WireLimits.request,
                ])
                bytes = [UInt8(input.below(3))] + Array(repeating: 7, count: count)
                if usesCipher { KeyStream(key: FuzzKey.known, nonce: FuzzKey.nonce).apply(to: &bytes) }
                if messages.count > 4 { return }
            }
            messages.append(bytes)
        }
        let whole = MessageTranscript(
            of: messages, usesCipher: usesCipher, expected, allowsBare: allowsBare, cuts: .none)
        require(
            whole
                == MessageTranscript(
                    of: messages, usesCipher: usesCipher, expected, allowsBare: allowsBare, cuts: cuts),
            "the same in pieces")
        let tagged = whole.events.filter {
            switch $0 {
            case .request, .reset, .association: true
            case .data, .emptyData, .bareAssociation, .datagram: false
            }
        }
        require(tagged.count <= authentic, "nothing without a tag")
        for event in whole.events {
            switch event {
            case .association: require(expected == .request, "only where it may be asked for")
            case .bareAssociation: require(allowsBare, "only where it may be asked for without a tag")
            case .datagram: require(expected == .datagrams, "only where it may come bare")
            case .data, .emptyData, .request, .reset: continue
            }
        }
    }
}

extension Sealer {
    /// A sealed message of data.
    func seal(data: [UInt8]) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: Self.headroom) + data + [UInt8](repeating: 0, count: Self.tailroom)
        return bytes.withUnsafeMutableBytes { buffer in
            guard let start = buffer.baseAddress else { return [] }
            return Array(seal(data: start + Self.headroom, count: data.count))
        }
    }

    /// Bytes under the key stream of version 1, whatever they mean.
    func encrypted(_ bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        switch self {
        case .version1(let sealer): sealer.stream?.apply(to: &bytes)
        }
        return bytes
    }

    func seal(reset: Reset, padding: Int) -> [UInt8] {
        switch self {
        case .version1(let sealer): sealer.seal(reset: reset, padding: padding)
        }
    }
}

enum FuzzKey {
    static let known = key(of: 1)
    static let other = key(of: 2)
    static let nonce = Nonce(high: 0x0123_4567_89ab_cdef, low: .max - 1)

    static func opener(usesCipher: Bool) -> Opener {
        Opener(authenticator: Authenticator(key: known), stream: stream(usesCipher))
    }

    static func sealer(usesCipher: Bool) -> Sealer {
        Sealer(authenticator: Authenticator(key: known), stream: stream(usesCipher))
    }

    private static func stream(_ usesCipher: Bool) -> KeyStream? {
        usesCipher ? KeyStream(key: known, nonce: nonce) : nil
    }

    private static func key(of byte: UInt8) -> Key {
        guard let key = Key(bytes: Array(repeating: byte, count: 16)) else { fatalError("16 bytes are a key") }
        return key
    }
}

/// What an opener said, with data that came in pieces joined.
struct MessageTranscript: Equatable {
    enum Event: Equatable {
        case data([UInt8])
        case emptyData
        case request(Request)
        case association(AssociationRequest)
        case bareAssociation(Datagram)
        case datagram(Datagram)
        case reset(Reset)
    }

    private(set) var events: [Event] = []
    private(set) var failure: WireError?

    init() {}

    init(
        of messages: [[UInt8]], usesCipher: Bool, _ expected: Opener.Expectation, allowsBare: Bool, cuts: Cuts
    ) {
        var opener = FuzzKey.opener(usesCipher: usesCipher)
        if allowsBare { opener.allowBareDatagrams() }
        for message in messages where failure == nil {
            let pieces = cuts.pieces(of: message)
            for (number, piece) in pieces.enumerated() where failure == nil {
                open(piece, endsMessage: number == pieces.count - 1, expected, &opener)
            }
        }
    }

    private mutating func open(
        _ piece: [UInt8], endsMessage: Bool, _ expected: Opener.Expectation, _ opener: inout Opener
    ) {
        var piece = piece
        piece.withUnsafeMutableBytes { open($0, endsMessage: endsMessage, expected, &opener) }
    }

    mutating func open(
        _ piece: UnsafeMutableRawBufferPointer, endsMessage: Bool, _ expected: Opener.Expectation,
        _ opener: inout Opener
    ) {
        do throws(WireError) {
            note(try opener.open(piece, endsMessage: endsMessage, expecting: expected))
            require(opener.heldBytes <= WireLimits.request, "what is held has a bound")
            require(!endsMessage || opener.heldBytes == 0, "nothing is held between messages")
        } catch {
            failure = error
        }
    }

    private mutating func note(_ event: Opener.Event) {
        switch event {
        case .partial: break
        case .emptyData: events.append(.emptyData)
        case .request(let request, let stamp):
            require(request.time.isFinite && stamp.time == request.time, "a time is finite")
            events.append(.request(request))
        case .association(let first, let stamp?):
            guard let time = stamp.time else { return require(false, "such a request has a time") }
            require(time.isFinite, "a time is finite")
            events.append(.association(AssociationRequest(time: time, first: first)))
        case .association(let first, nil): events.append(.bareAssociation(first))
        case .datagram(let datagram): events.append(.datagram(datagram))
        case .reset(let reset): events.append(.reset(reset))
        case .data(let bytes):
            guard case .data(var joined) = events.last else { return events.append(.data(Array(bytes))) }
            // Taken out first, so that appending does not copy.
            events.removeLast()
            joined += bytes
            events.append(.data(joined))
        }
    }
}
