import Testing

@testable import WstanBase
@testable import WstanCore

@Suite struct RequestRulesTests {
    private static func refusal(_ bytes: [UInt8], _ features: Features = [.udp]) throws -> RequestRefusal? {
        try bytes.withBytes { (bytes) throws(Violation) -> RequestRefusal? in
            guard case .request(let request) = try MessageV2.read(bytes) else { throw .unknownType }
            return RequestRules(features: features).refusal(of: request)
        }
    }

    /// Section 14.1, 14.5 and 14.9.
    @Test(
        arguments: [
            ("100000 017f0000010050", nil), ("100000 0301610050", nil), ("100000 0303612f620050", .reset(.noSuchName)),
            ("100000 00", RequestRefusal.reset(.addressTypeNotSupported)),
            ("100000 05012f", .reset(.addressTypeNotSupported)),
            ("100004 80550000 017f0000010050", .reset(.notSupported)),
            ("100004 00550000 017f0000010050", nil), ("100004 001f0000 017f0000010050", nil),
            ("100008 0010000400040000 017f0000010050", nil), ("110000 00", nil),
            ("110000 017f0000010050", .reset(.addressTypeNotSupported)),
            ("120000 017f0000010050", .reset(.notSupported)),
            ("130000 00", .bye(.noSuchListener)), ("13000c 00140008 0000000000000001 00", .bye(.noSuchListener)),
            ("130004 80550000 00", .bye(.noSuchListener)), ("140000 00", .reset(.failed)),
            ("14000c 00140008 0000000000000001 00", .reset(.noSuchListener)), ("150000 00", .reset(.notSupported)),
            ("160000 00", .reset(.failed)),
            ("160020 00120010 00000000000000000000000000000000 00110008 0000000000000000 00", .reset(.nothingToResume)),
            ("160005 801e000101 00", .reset(.notSupported)), ("170000 00", .reset(.notSupported)),
            ("1f0000 00", .reset(.notSupported)),
        ] as [(String, RequestRefusal?)])
    func `what is not carried out is answered as the protocol says`(hex: String, refusal: RequestRefusal?) throws {
        #expect(try Self.refusal(Hexadecimal(hex).bytes) == refusal)
    }

    @Test func `an OK with an option that must be known is refused`() throws {
        let known = try [UInt8]([0, 4, 0, 0x55, 0, 0, 0]).withBytes { (bytes) throws(Violation) in
            try RequestBody.read(bytes)
        }
        #expect(RequestRules.refusal(ofOK: known) == nil)
        let critical = try [UInt8]([0, 4, 0x80, 0x55, 0, 0, 0]).withBytes { (bytes) throws(Violation) in
            try RequestBody.read(bytes)
        }
        #expect(RequestRules.refusal(ofOK: critical) == .notSupported)
    }

    @Test func `a user without a feature is told so`() throws {
        #expect(try Self.refusal([0x11, 0, 0, 0], []) == .reset(.notSupported))
        #expect(try Self.refusal([0x10, 0, 0, 5, 1, 47], [.unixTargets]) == nil)
    }
}
