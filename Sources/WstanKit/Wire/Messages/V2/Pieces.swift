import WstanBase

/// The pieces of one DGRAM or PACKET, 1 to 64, each with its length(u16) before it. They lie where the record lies.
struct Pieces {
    /// All of them, which have been checked.
    private let body: UnsafeRawBufferPointer
    let count: Int

    static func read(_ body: UnsafeRawBufferPointer) throws(Violation) -> Pieces {
        var reader = ByteReader(body)
        var count = 0
        while reader.remaining > 0 {
            guard let size = reader.readInteger(UInt16.self), reader.readBytes(Int(size)) != nil else {
                throw .truncated
            }
            count += 1
            guard count <= LimitsV2.pieces else { throw .tooManyPieces }
        }
        guard count > 0 else { throw .noPieces }
        return Pieces(body: body, count: count)
    }

    private init(body: UnsafeRawBufferPointer, count: Int) {
        self.body = body
        self.count = count
    }

    func encode(into bytes: inout [UInt8]) { bytes.append(contentsOf: body) }
}

extension Pieces: Sequence {
    struct Iterator: IteratorProtocol {
        fileprivate var reader: ByteReader

        mutating func next() -> UnsafeRawBufferPointer? {
            reader.readInteger(UInt16.self).flatMap { reader.readBytes(Int($0)) }
        }
    }

    func makeIterator() -> Iterator { Iterator(reader: ByteReader(body)) }
}

/// The datagrams of one DGRAM, or of an ASSOCIATE's data: each piece is an ADDRESS, target or sender, and what it carries.
struct DatagramPieces {
    let pieces: Pieces

    struct Piece {
        let address: AddressV2
        let payload: UnsafeRawBufferPointer
    }

    /// Reads all of them before any is used.
    static func read(_ body: UnsafeRawBufferPointer) throws(Violation) -> DatagramPieces {
        let pieces = try Pieces.read(body)
        for piece in pieces {
            var reader = ByteReader(piece)
            _ = try AddressV2.read(&reader)
        }
        return DatagramPieces(pieces: pieces)
    }
}

extension DatagramPieces: Sequence {
    struct Iterator: IteratorProtocol {
        fileprivate var pieces: Pieces.Iterator

        mutating func next() -> Piece? {
            guard let piece = pieces.next() else { return nil }
            var reader = ByteReader(piece)
            guard let address = try? AddressV2.read(&reader) else { return nil }
            return Piece(address: address, payload: reader.readRest())
        }
    }

    func makeIterator() -> Iterator { Iterator(pieces: pieces.makeIterator()) }
}

/// Gathers what is at hand into one record.
struct PieceGatherer {
    /// What the body of the message will be, behind room for what stands before it.
    private(set) var bytes: [UInt8]
    let headroom: Int
    private(set) var count = 0
    private let mostBytes: Int

    /// - Parameters:
    ///   - limit: the longest plaintext that the peer takes.
    ///   - headroom: bytes that are left free before the body.
    ///   - memory: an array that is used for it.
    init(limit: Int = LimitsV2.plaintext, headroom: Int = 0, in memory: consuming [UInt8] = []) {
        self.headroom = headroom
        // The type stands before the body.
        mostBytes = headroom + limit - 1
        bytes = memory
        bytes.removeAll(keepingCapacity: true)
        bytes.append(contentsOf: repeatElement(0, count: headroom))
    }

    var body: [UInt8] { Array(bytes[headroom...]) }

    /// - Returns: false when it does not fit behind the others; alone, it never will, and is dropped.
    mutating func append(packet: some Collection<UInt8>) -> Bool {
        add(nil, packet)
    }

    mutating func append(_ address: AddressV2, _ payload: some Collection<UInt8>) -> Bool {
        add(address, payload)
    }

    private mutating func add(_ address: AddressV2?, _ payload: some Collection<UInt8>) -> Bool {
        guard count < LimitsV2.pieces,
            let size = UInt16(exactly: (address?.encodedSize ?? 0) + payload.count),
            bytes.count + 2 + Int(size) <= mostBytes
        else { return false }
        bytes.append(integer: size)
        address?.encode(into: &bytes)
        bytes.append(contentsOf: payload)
        count += 1
        return true
    }

    /// Ends the gathering.
    ///
    /// - Returns: the body between `headroom` and `tailroom` bytes.
    mutating func finish(tailroom: Int = 0) -> [UInt8] {
        bytes.append(contentsOf: repeatElement(0, count: tailroom))
        defer { bytes = [] }
        return bytes
    }
}
