/// Opens the messages of one direction as version 1 seals them. Confined to its tunnel.
///
/// Data is opened in place and handed on at once; what carries a tag is held, bounded, until the tag has been checked.
package final class OpenerV1 {
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
    /// Whether a datagram without a tag may open an association, as Python's clients do it.
    var allowsBareDatagrams = false

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

    /// See `Opener.open`.
    func open(
        _ piece: UnsafeMutableRawBufferPointer, endsMessage: Bool, expecting: Opener.Expectation
    ) throws(WireError) -> Opener.Event {
        let datagrams = datagramRule(expecting)
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

    private func datagramRule(_ expected: Opener.Expectation) -> DatagramRule {
        switch expected {
        case .nothing, .bytes: .refused
        case .request: allowsBareDatagrams ? .requestsOrBare : .requests
        case .datagrams: .bare
        }
    }

    private func start(
        _ piece: UnsafeMutableRawBufferPointer, sealedCommand: UInt8, endsMessage: Bool, _ datagrams: DatagramRule
    ) throws(WireError) -> Opener.Event {
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
            if command == .datagram, datagrams == .bare, endsMessage {
                let body = UnsafeMutableRawBufferPointer(rebasing: piece[1...])
                stream?.apply(to: body)
                return .datagram(try Datagram.read(UnsafeRawBufferPointer(body)))
            }
            var sealed = Array(piece)
            sealed[0] = sealedCommand
            return try hold(command, sealed, endsMessage: endsMessage, datagrams)
        }
    }

    private func hold(
        _ command: Command, _ sealed: [UInt8], endsMessage: Bool, _ datagrams: DatagramRule
    ) throws(WireError) -> Opener.Event {
        guard endsMessage else {
            state = .holding(command, sealed: sealed)
            return .partial
        }
        switch command {
        case .data:
            throw .malformed
        case .request:
            let request = try readTagged(sealed, Request.read)
            return .request(request, stamp(of: sealed, madeAt: request.time))
        case .reset:
            return .reset(try readTagged(sealed) { (body) throws(WireError) in Reset.read(body) })
        case .datagram:
            switch datagrams {
            case .refused:
                throw .unexpectedCommand
            case .bare:
                return .datagram(try readBare(sealed))
            case .requestsOrBare where !isAuthentic(sealed):
                return .association(try readBare(sealed), nil)
            case .requests, .requestsOrBare:
                let request = try readTagged(sealed, AssociationRequest.read)
                return .association(request.first, stamp(of: sealed, madeAt: request.time))
            }
        }
    }

    /// To be taken when the request has been read. Its bytes would open a tunnel of their own under the nonce at which they
    /// began: the tag does not cover their place in the key stream, and a stream can be begun at every block of the cipher.
    /// Without a cipher they are a request wherever they are sent, and the tag tells them from others, as in a URI.
    private func stamp(of sealed: [UInt8], madeAt time: Double) -> RequestStamp {
        guard let stream else {
            return RequestStamp(time: time, identity: Nonce(tag: sealed.suffix(Authenticator.tagSize)).map(RequestIdentity.init))
        }
        let nonce = stream.nonce(before: sealed.count - Authenticator.tagSize)
        return RequestStamp(time: time, identity: nonce.map(RequestIdentity.init))
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
