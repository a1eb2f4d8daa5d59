import Testing

@testable import WstanBase
@testable import WstanCore

@Suite struct ProxyAuthorizationTests {
    private static func read(_ fields: String, line: String = "GET http://a/ HTTP/1.1") throws -> ProxyAuthorization? {
        ProxyAuthorization(try HTTPHead(Array("\(line)\r\n\(fields)\r\n".utf8)))
    }

    @Test(arguments: [
        ("anna:secret", "anna", "secret"), ("anna:", "anna", ""), (":secret", "", "secret"), ("a:b:c", "a", "b:c"),
        ("ünna:ß", "ünna", "ß"),
    ])
    func `name and password are what stands before and behind the first colon`(
        pair: String, name: String, password: String
    ) throws {
        for scheme in ["Basic ", "basic ", "BASIC   ", "Basic\t"] {
            let read = try Self.read("Proxy-Authorization: \(scheme)\(Base64.encode(pair.utf8))\r\n")
            #expect(read?.name == Array(name.utf8))
            #expect(read?.password == Array(password.utf8))
        }
    }

    @Test(arguments: [
        "", "Proxy-Authorization:\r\n", "Proxy-Authorization: Basic\r\n", "Proxy-Authorization: Basic \r\n",
        "Proxy-Authorization: Basic YQ\r\n", "Proxy-Authorization: Basic YQ==\r\n",
        "Proxy-Authorization: Basic YTpi!\r\n", "Proxy-Authorization: Bearer YTpi\r\n",
        "Proxy-Authorization: BasicYTpi\r\n", "Authorization: Basic YTpi\r\n",
        "Proxy-Authorization: Basic YTpi\r\nProxy-Authorization: Basic YTpi\r\n",
    ])
    func `what is not one pair in Basic is none`(fields: String) throws {
        #expect(try Self.read(fields) == nil)
    }

    @Test(arguments: [
        ("GET http://a/ HTTP/1.1", true), ("CONNECT a:1 HTTP/1.1", true), ("OPTIONS * HTTP/1.1", true),
        ("GET ftp://a/ HTTP/1.1", true), ("GET / HTTP/1.1", false), ("GET /proxy.pac HTTP/1.1", false), ("HELO", true),
    ])
    func `only what would lead on wants them`(line: String, isWanted: Bool) throws {
        #expect(ProxyAuthorization.isWanted(for: try HTTPHead(Array("\(line)\r\n\r\n".utf8))) == isWanted)
    }
}
