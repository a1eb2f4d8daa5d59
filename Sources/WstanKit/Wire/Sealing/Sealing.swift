/// Seals the messages of one direction. This face, and `Opener`'s, hide the cipher: under TLS there is none.
struct Sealer {
    private let authenticator: Authenticator
    private let stream: KeyStream?

    init(authenticator: Authenticator, stream: KeyStream?) {
        self.authenticator = authenticator
        self.stream = stream
    }

    /// Seals a DAT message in place; its first byte is the command.
    func seal(data: UnsafeMutableRawBufferPointer) {
        stream?.apply(to: data)
    }

    func seal(request: Request) -> [UInt8] {
        authenticated(request.encoded())
    }

    func seal(association request: AssociationRequest) -> [UInt8] {
        authenticated(request.encoded())
    }

    func seal(datagram: Datagram) -> [UInt8] {
        var bytes = datagram.encoded()
        stream?.apply(to: &bytes)
        return bytes
    }

    /// An "empty" request, which opens an idle tunnel.
    func seal(idleAt time: Double) -> [UInt8] {
        var bytes = [Command.reset.rawValue]
        bytes.append(integer: time.bitPattern)
        return authenticated(bytes)
    }

    func seal(reset: Reset, padding: Int) -> [UInt8] {
        authenticated(reset.encoded(padding: padding))
    }

    /// Whether a message that comes behind the next `count` bytes could be sent once more as an opening of its own; see
    /// `Opener.nonceOfRequest`.
    func isReplayable(after count: Int) -> Bool {
        stream?.isAtBlock(after: count) ?? false
    }

    private func authenticated(_ plaintext: [UInt8]) -> [UInt8] {
        var bytes = plaintext
        stream?.apply(to: &bytes)
        let tag = bytes.withUnsafeBytes { authenticator.tag(over: $0) }
        return bytes + tag
    }
}

/// Opens the messages of one direction as their bytes come.
///
/// Data is opened in place and handed on at once; what carries a tag is held, bounded, until the tag has been checked.
struct Opener {
    enum Event: Equatable {
        /// Nothing to act on before more bytes come.
        case partial
        /// Bytes of the connection, where the sealed ones were.
        case data(UnsafeMutableRawBufferPointer)
        /// A DAT message without bytes: asks our server, or tells our client, that the target has answered.
        case emptyData
        case request(Request)
        case reset(Reset)
        /// Opens an association.
        case association(AssociationRequest)
        /// A datagram of the association, or without one where that is allowed.
        case datagram(Datagram)

        static func == (a: Event, b: Event) -> Bool {
            switch (a, b) {
            case (.partial, .partial), (.emptyData, .emptyData): true
            case (.data(let a), .data(let b)): a.elementsEqual(b)
            case (.request(let a), .request(let b)): a == b
            case (.reset(let a), .reset(let b)): a == b
            case (.association(let a), .association(let b)): a == b
            case (.datagram(let a), .datagram(let b)): a == b
            case (.partial, _), (.data, _), (.emptyData, _), (.request, _), (.reset, _), (.association, _),
                (.datagram, _):
                false
            }
        }
    }

    /// What a DGM message may be. Data has no tag, so flipped bits make a DAT a DGM, "send the rest to me by UDP":
    /// datagrams without a tag are taken only where nobody sends data.
    enum DatagramRule: Equatable {
        case refused
        /// A request with its tag.
        case requests
        /// Without a tag: the association is open.
        case bare
        /// A request or, for Python's clients, a datagram that opens an association without a tag.
        case requestsOrBare
    }

    private enum State {
        /// Waiting for the command byte.
        case waitingForCommand
        /// Within a DAT message, of which bytes have come or not. Can become: waitingForCommand.
        case inData(isEmpty: Bool)
        /// Holding a sealed message that can be read only as a whole. Can become: waitingForCommand.
        case holding(Command, sealed: [UInt8])
    }

    private let authenticator: Authenticator
    private let stream: KeyStream?
    private var state = State.waitingForCommand
    /// The nonce under which the last request, byte for byte, would open a tunnel of its own: the tag does not cover its
    /// place in the key stream, and a stream can be begun at every block of the cipher. Nil where none begins.
    private(set) var nonceOfRequest: Nonce?

    init(authenticator: Authenticator, stream: KeyStream?) {
        self.authenticator = authenticator
        self.stream = stream
    }

    /// Of the key that the tunnel was opened with.
    var keyID: KeyID { authenticator.keyID }

    /// Bytes held for a message that is not complete.
    var heldBytes: Int {
        if case .holding(_, let sealed) = state { sealed.count } else { 0 }
    }

    /// Takes the next piece of a message.
    ///
    /// - Parameters:
    ///   - endsMessage: whether the message ends with this piece.
    ///   - datagrams: what a DGM may be at this moment.
    /// - Throws: `.malformed`, `.badAuthentication`, `.tooLarge`, `.unexpectedCommand`; the tunnel is of no more use
    ///   then.
    mutating func open(
        _ piece: UnsafeMutableRawBufferPointer, endsMessage: Bool, datagrams: DatagramRule = .refused
    ) throws(WireError) -> Event {
        switch state {
        case .waitingForCommand:
            guard let sealedCommand = piece.first else {
                guard !endsMessage else { throw .malformed }
                return .partial
            }
            return try start(piece, sealedCommand: sealedCommand, endsMessage: endsMessage, datagrams)
        case .inData(let wasEmpty):
            stream?.apply(to: piece)
            let isEmpty = wasEmpty && piece.isEmpty
            state = endsMessage ? .waitingForCommand : .inData(isEmpty: isEmpty)
            if piece.isEmpty { return endsMessage && isEmpty ? .emptyData : .partial }
            return .data(piece)
        case .holding(let command, var sealed):
            // Taken out of the state, so that appending does not copy.
            state = .waitingForCommand
            try Self.check(sealed.count + piece.count, of: command)
            sealed.append(piece, within: Self.limit(of: command))
            return try hold(command, sealed, endsMessage: endsMessage, datagrams)
        }
    }

    private mutating func start(
        _ piece: UnsafeMutableRawBufferPointer, sealedCommand: UInt8, endsMessage: Bool, _ datagrams: DatagramRule
    ) throws(WireError) -> Event {
        stream?.apply(to: UnsafeMutableRawBufferPointer(rebasing: piece[..<1]))
        guard let command = Command(rawValue: piece[0]) else { throw .malformed }
        switch command {
        case .data:
            let data = UnsafeMutableRawBufferPointer(rebasing: piece[1...])
            stream?.apply(to: data)
            if !endsMessage { state = .inData(isEmpty: data.isEmpty) }
            if data.isEmpty { return endsMessage ? .emptyData : .partial }
            return .data(data)
        case .request, .reset, .datagram:
            guard command != .datagram || datagrams != .refused else { throw .unexpectedCommand }
            try Self.check(piece.count, of: command)
            var sealed = Array(piece)
            sealed[0] = sealedCommand
            return try hold(command, sealed, endsMessage: endsMessage, datagrams)
        }
    }

    private mutating func hold(
        _ command: Command, _ sealed: [UInt8], endsMessage: Bool, _ datagrams: DatagramRule
    ) throws(WireError) -> Event {
        guard endsMessage else {
            state = .holding(command, sealed: sealed)
            return .partial
        }
        switch command {
        case .data:
            throw .malformed
        case .request:
            return .request(try readRequest(sealed, Request.read))
        case .reset:
            return .reset(try readTagged(sealed) { (body) throws(WireError) in Reset.read(body) })
        case .datagram:
            switch datagrams {
            case .refused:
                throw .unexpectedCommand
            case .bare:
                return .datagram(try readBare(sealed))
            case .requestsOrBare where !isAuthentic(sealed):
                return .datagram(try readBare(sealed))
            case .requests, .requestsOrBare:
                return .association(try readRequest(sealed, AssociationRequest.read))
            }
        }
    }

    private mutating func readRequest<T>(
        _ sealed: [UInt8], _ read: (UnsafeRawBufferPointer) throws(WireError) -> T
    ) throws(WireError) -> T {
        let request = try readTagged(sealed, read)
        nonceOfRequest = stream?.nonce(before: sealed.count - Authenticator.tagSize)
        return request
    }

    /// The command byte has had its part of the key stream, and the tag takes none.
    private func readTagged<T>(
        _ sealed: [UInt8], _ read: (UnsafeRawBufferPointer) throws(WireError) -> T
    ) throws(WireError) -> T {
        guard isAuthentic(sealed) else { throw .badAuthentication }
        var body = Array(sealed[1..<(sealed.count - Authenticator.tagSize)])
        stream?.apply(to: &body)
        return try body.withBytes(read)
    }

    private func isAuthentic(_ sealed: [UInt8]) -> Bool {
        sealed.withUnsafeBytes { authenticator.isAuthentic($0) }
    }

    private func readBare(_ sealed: [UInt8]) throws(WireError) -> Datagram {
        var body = Array(sealed.dropFirst())
        stream?.apply(to: &body)
        return try body.withBytes(Datagram.read)
    }

    private static func check(_ count: Int, of command: Command) throws(WireError) {
        guard count <= limit(of: command) else { throw .tooLarge }
    }

    private static func limit(of command: Command) -> Int {
        switch command {
        case .reset: WireLimits.reset
        case .datagram: WireLimits.datagram
        case .request, .data: WireLimits.request
        }
    }
}
