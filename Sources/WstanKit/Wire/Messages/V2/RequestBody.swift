import WstanBase

/// What all requests and OK consist of: opt_len(u16) options ADDRESS data.
struct RequestBody: Equatable, Sendable {
    var options = Options()
    var address = AddressV2.none
    /// To the end: the first bytes of a stream, the first pieces of an association.
    var data: [UInt8] = []

    func encode(into bytes: inout [UInt8]) {
        options.encode(into: &bytes)
        address.encode(into: &bytes)
        bytes.append(contentsOf: data)
    }

    static func read(_ body: UnsafeRawBufferPointer) throws(Violation) -> RequestBody {
        var reader = ByteReader(body)
        let options = try Options.read(&reader)
        let address = try AddressV2.read(&reader)
        return RequestBody(options: options, address: address, data: Array(reader.readRest()))
    }
}

/// A request as a message.
struct RequestV2: Equatable, Sendable {
    var type: RequestType
    var body: RequestBody

    init(_ type: RequestType, _ body: RequestBody = RequestBody()) {
        self.type = type
        self.body = body
    }
}
