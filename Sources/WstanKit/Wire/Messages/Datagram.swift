import WstanBase

/// DGM: one datagram, with where it goes to (from the client) or came from (from the server).
struct Datagram: Equatable {
    var address: Address
    var data: [UInt8]

    /// A later message of an association, unsealed; such messages have no tag.
    func encoded() -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(encodedSize)
        encode(into: &bytes)
        return bytes
    }

    var encodedSize: Int { 1 + address.encodedSize + data.count }

    func encode(into bytes: inout [UInt8]) {
        bytes.append(Command.datagram.rawValue)
        address.encode(into: &bytes)
        bytes.append(contentsOf: data)
    }

    /// Reads what follows the command byte, or a request's time.
    static func read(_ body: UnsafeRawBufferPointer) throws(WireError) -> Datagram {
        var reader = ByteReader(body)
        guard let address = try Address.read(&reader) else { throw .malformed }
        return Datagram(address: address, data: Array(reader.readRest()))
    }
}

/// A datagram that opens an association.
package struct AssociationRequest: Equatable {
    /// Seconds since the epoch, by the sender's clock; finite.
    var time: Double
    var first: Datagram

    /// Unsealed, without the tag.
    func encoded() -> [UInt8] {
        var bytes = [Command.datagram.rawValue]
        bytes.append(integer: time.bitPattern)
        bytes.append(contentsOf: first.encoded().dropFirst())
        return bytes
    }

    /// Reads what follows the command byte.
    static func read(_ body: UnsafeRawBufferPointer) throws(WireError) -> AssociationRequest {
        var reader = ByteReader(body)
        let time = try Request.readTime(&reader)
        return AssociationRequest(time: time, first: try Datagram.read(reader.readRest()))
    }
}
