/// Opens the messages of one direction as their bytes come, in the version of the protocol that opened the tunnel.
package enum Opener {
    case version1(OpenerV1)

    enum Event: Equatable {
        /// Nothing to act on before more bytes come.
        case partial
        /// Bytes of the connection. They lie where the sealed ones were or, from an opener that waits for the end of a record
        /// before it believes any of it, in memory of its own; there they stay until the next call.
        case data(UnsafeMutableRawBufferPointer)
        /// A data message without bytes: asks our server, or tells our client, that the target has answered.
        case emptyData
        indirect case request(Request, RequestStamp)
        case reset(Reset)
        /// A datagram that opens an association. Without a stamp it is no request of its own, and the version takes it for one
        /// all the same.
        indirect case association(Datagram, RequestStamp?)
        /// A datagram of the association.
        case datagram(Datagram)

        static func == (a: Event, b: Event) -> Bool {
            switch (a, b) {
            case (.partial, .partial), (.emptyData, .emptyData): true
            case (.data(let a), .data(let b)): a.elementsEqual(b)
            case (.request(let a, let aStamp), .request(let b, let bStamp)): a == b && aStamp == bStamp
            case (.reset(let a), .reset(let b)): a == b
            case (.association(let a, let aStamp), .association(let b, let bStamp)): a == b && aStamp == bStamp
            case (.datagram(let a), .datagram(let b)): a == b
            case (.partial, _), (.data, _), (.emptyData, _), (.request, _), (.reset, _), (.association, _),
                (.datagram, _):
                false
            }
        }
    }

    /// What has a place in the tunnel's state. An opener may refuse the rest, or leave that to the tunnel.
    enum Expectation: Equatable {
        /// Nothing is carried, and the peer may not ask for anything.
        case nothing
        /// Nothing is carried, and the peer may ask.
        case request
        /// A connection is up, or being made.
        case bytes
        /// An association is open, or something is over and its last messages are still on their way.
        case datagrams
    }

    init(authenticator: Authenticator, stream: KeyStream?) {
        self = .version1(OpenerV1(authenticator: authenticator, stream: stream))
    }

    /// Of the key that the tunnel was opened with.
    var keyID: KeyID {
        switch self {
        case .version1(let opener): opener.keyID
        }
    }

    /// Bytes held for a message that is not complete.
    var heldBytes: Int {
        switch self {
        case .version1(let opener): opener.heldBytes
        }
    }

    /// A Python client may open an association by a datagram without a tag.
    func allowBareDatagrams() {
        switch self {
        case .version1(let opener): opener.allowsBareDatagrams = true
        }
    }

    /// Takes the next piece of a message.
    ///
    /// - Parameter endsMessage: whether the message ends with this piece.
    /// - Throws: `.malformed`, `.badAuthentication`, `.tooLarge`, `.unexpectedCommand`; the tunnel is of no more use
    ///   then.
    mutating func open(
        _ piece: UnsafeMutableRawBufferPointer, endsMessage: Bool, expecting: Expectation
    ) throws(WireError) -> Event {
        switch self {
        case .version1(let opener): try opener.open(piece, endsMessage: endsMessage, expecting: expecting)
        }
    }
}
