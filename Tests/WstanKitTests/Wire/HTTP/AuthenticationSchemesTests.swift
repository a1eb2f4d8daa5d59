import Testing

@testable import WstanCore

@Suite struct AuthenticationSchemesTests {
    @Test(arguments: [
        (["Basic realm=\"a\""], ["Basic"]), (["NTLM", "Negotiate"], ["NTLM", "Negotiate"]),
        (["NTLM,Negotiate"], ["NTLM", "Negotiate"]),
        (["Digest realm=\"x, Basic y\", nonce=\"a\\\"b, Basic\", Basic realm=\"z\""], ["Digest", "Basic"]),
        (["Negotiate YIIabc=="], ["Negotiate"]), (["Digest realm=a, qop = auth, basic"], ["Digest", "basic"]),
        ([", ,Basic ,"], ["Basic"]), ([""], []), (["realm=\"x\""], []), (["\"Basic\""], []),
        (["x\u{e9}, Basic"], ["Basic"]), (["Basic \"unterminated, NTLM"], ["Basic"]),
        ([String(repeating: "a", count: 50)], [String(repeating: "a", count: 20)]),
        ([String(repeating: "a,", count: 50)], Array(repeating: "a", count: 8)),
    ])
    func `a list of challenges names its schemes`(values: [String], names: [String]) throws {
        let fields = values.map { "Proxy-Authenticate: \($0)\r\n" }.joined()
        let head = try HTTPHead(Array("HTTP/1.1 407 No\r\n\(fields)\r\n".utf8))
        #expect(AuthenticationSchemes.offered(by: head, in: "Proxy-Authenticate") == names)
    }
}
