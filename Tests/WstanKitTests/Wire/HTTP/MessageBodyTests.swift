import Testing

@testable import WstanCore

@Suite struct MessageBodyTests {
    private static func request(_ fields: String, version: Int = 1) throws -> MessageBody {
        try MessageBody(ofRequest: HTTPFixture.head("POST http://h/ HTTP/1.\(version)", "A: b" + fields))
    }

    private static func response(_ status: Int, _ fields: String, toHEAD: Bool = false) throws -> MessageBody {
        try MessageBody(
            ofResponse: HTTPFixture.head("HTTP/1.1 \(status) x", "A: b" + fields), status: status, toHEAD: toHEAD)
    }

    @Test func `a request's body is counted, chunked or not there`() throws {
        #expect(try Self.request("") == .none)
        #expect(try Self.request("\r\nContent-Length: 0") == .none)
        #expect(try Self.request("\r\ncontent-length:\t012 ") == .length(12))
        #expect(try Self.request("\r\nContent-Length: 9223372036854775807") == .length(.max))
        #expect(try Self.request("\r\nTransfer-Encoding: Chunked") == .chunked)
        #expect(try Self.request("\r\nTransfer-Encoding: gzip, chunked") == .chunked)
    }

    @Test(
        arguments: [
            ("\r\nContent-Length: 1\r\nTransfer-Encoding: chunked", .ambiguousLength),
            ("\r\nContent-Length: 1\r\nContent-Length: 1", .ambiguousLength),
            ("\r\nContent-Length: 1, 1", .ambiguousLength), ("\r\nContent-Length: +1", .ambiguousLength),
            ("\r\nContent-Length: 0x1", .ambiguousLength), ("\r\nContent-Length: 1 1", .ambiguousLength),
            ("\r\nContent-Length:", .ambiguousLength), ("\r\nContent-Length: 9223372036854775808", .ambiguousLength),
            ("\r\nTransfer-Encoding:", .unknownCoding("")),
            ("\r\nTransfer-Encoding: identity", .unknownCoding("identity")),
            ("\r\nTransfer-Encoding: gzip\r\nTransfer-Encoding: chunked", .ambiguousLength),
            ("\r\nTransfer-Encoding:\r\nTransfer-Encoding: chunked", .ambiguousLength),
            ("\r\nTransfer-Encoding: , chunked", .unknownCoding(", chunked")),
            ("\r\nTransfer-Encoding: chunked, gzip", .unknownCoding("chunked, gzip")),
            ("\r\nTransfer-Encoding: chunked, chunked", .unknownCoding("chunked, chunked")),
            ("\r\nTransfer-Encoding: chunked;q=1", .unknownCoding("chunked;q=1")),
            ("\r\nTransfer-Encoding: \"chunked\"", .unknownCoding("\"chunked\"")),
        ] as [(String, RequestFault)])
    func `what two readers could take for two lengths is refused`(fields: String, fault: RequestFault) {
        #expect(throws: fault) { try Self.request(fields) }
    }

    @Test func `a 1_0 request has no transfer codings`() {
        #expect(throws: RequestFault.ambiguousLength) {
            try Self.request("\r\nTransfer-Encoding: chunked", version: 0)
        }
    }

    @Test func `an answer's end depends on the request, the status and the fields, in this order`() throws {
        let fields = "\r\nContent-Length: 5"
        #expect(try Self.response(200, fields, toHEAD: true) == .none)
        for status in [100, 101, 103, 204, 304] { #expect(try Self.response(status, fields) == .none) }
        #expect(try Self.response(200, fields) == .length(5))
        // RFC 9110 section 8.6: one value, given twice.
        #expect(try Self.response(404, fields + fields) == .length(5))
        #expect(try Self.response(200, "\r\nContent-Length: 5 ,05") == .length(5))
        #expect(try Self.response(200, fields + "\r\nTransfer-Encoding: chunked") == .chunked)
        #expect(try Self.response(200, fields + "\r\nTransfer-Encoding: gzip") == .untilClose)
        for coding in ["", "identity", "Identity, ,identity"] {
            #expect(try Self.response(200, fields + "\r\nTransfer-Encoding: \(coding)") == .length(5))
        }
        #expect(try Self.response(200, fields + "\r\nTransfer-Encoding: identity, chunked") == .chunked)
        #expect(try Self.response(200, "") == .untilClose)
        #expect(try Self.response(200, "\r\nContent-Length: 0") == .none)
    }

    @Test(arguments: [
        "5\r\nContent-Length: 6", "x", "5, 6", "-1", "", "5,", ",5", "5, x", "5;a", "5 5", "9223372036854775808",
        "99999999999999999999",
    ])
    func `an answer with an invalid length is malformed`(value: String) {
        let shown = value.replacing("\r\nContent-Length: ", with: ", ")
        #expect(throws: HTTPHead.Failure.length(shown)) { try Self.response(200, "\r\nContent-Length: \(value)") }
    }
}
