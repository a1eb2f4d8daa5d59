import Testing

@testable import WstanBase
@testable import WstanCore
@testable import WstanKit

@Suite struct CertificateObservationTests {
    private static let now = 1_800_000_000.0

    private static func findings(
        days: Double? = 90, issuer: String = "R11", isOwnTrust: Bool = false
    ) -> [Finding] {
        let peer = TLSPeer(
            version: "TLSv1.3", names: ["a.test", "b.test"], issuer: issuer, issuerInFull: "/O=Some/CN=\(issuer)",
            validUntil: days.map { now + $0 * 86_400 }, lastDay: "2027-04-15")
        return CertificateObservation(peer: peer, now: now, isOwnTrust: isOwnTrust).findings
    }

    @Test func `a good one is told with its names, its issuer and its last day`() {
        #expect(
            Self.findings() == [
                .ok("TLS", "TLSv1.3, a certificate for a.test and b.test by 'R11', good until 2027-04-15")
            ])
        #expect(Self.findings(days: nil).map(\.level) == [.ok])
    }

    @Test func `one that ends within two weeks is a warning`() throws {
        #expect(Self.findings(days: 14.1).map(\.level) == [.ok])
        let finding = try #require(Self.findings(days: 13.9).first)
        #expect(finding.level == .warning)
        #expect(finding.text.hasSuffix("expires on 2027-04-15, in 14 days"))
        #expect(finding.remedy?.contains("renew") == true)
    }

    @Test func `an authority that ends first is told as that`() {
        let peer = TLSPeer(
            version: "TLSv1.3", names: ["a.test"], issuer: "Own", issuerInFull: "/CN=Own",
            validUntil: Self.now + 86_400,
            lastDay: "2027-01-16", endsByItself: false)
        let finding = CertificateObservation(peer: peer, now: Self.now, isOwnTrust: true).findings.first
        #expect(finding?.text.contains("stands on one that expires on 2027-01-16") == true)
    }

    @Test func `who is known for opening TLS is named, unless the configuration says who is believed`() throws {
        let findings = Self.findings(issuer: "Zscaler Intermediate Root CA")
        #expect(findings.map(\.level) == [.ok, .warning])
        #expect(try #require(findings.last).text.contains("Zscaler seems to open TLS"))
        #expect(Self.findings(issuer: "Zscaler Root", isOwnTrust: true).map(\.level) == [.ok])
    }

    @Test func `an issuer that nobody knows may be a proxy of the network`() {
        let named = CertificateObservation.finding(.unknownIssuer("FortiGate CA"))
        #expect(named.level == .failed(.other))
        #expect(named.text.contains("'FortiGate CA'"))
        #expect(named.remedy?.hasPrefix("FortiGate opens TLS on the way") == true)
        let unnamed = CertificateObservation.finding(.unknownIssuer("Corp Root"))
        #expect(unnamed.remedy?.contains("ca-file") == true)
        #expect(unnamed.remedy?.contains("a proxy on the way may open TLS") == true)
    }

    @Test func `what is cut counts as not reached, what is wrong as wrong`() {
        for failure in [TLSFailure.timedOut, .cut, .reset] {
            #expect(CertificateObservation.finding(failure).level == .failed(.reach))
        }
        let expired = CertificateObservation.finding(.expired(on: "2020-01-02"))
        #expect(expired.level == .failed(.other))
        #expect(expired.text.contains("2020-01-02"))
        #expect(expired.remedy?.contains("GMT") == true)
    }

    @Test func `a handshake's peer is seen as it is`() async throws {
        let authority = try TestAuthority()
        let peer = try await WorkerThread.run { worker -> TLSPeer? in
            let ends = try await TLSEnds.pair(worker, authority)
            defer { ends.close() }
            return ends.client.tls.flatMap { TLSPeer($0) }
        }
        let found = try #require(peer)
        #expect(found.version == "TLSv1.3")
        #expect(found.names == ["localhost", "127.0.0.1"])
        #expect(found.issuer == "Test authority")
        #expect(found.issuerInFull.contains("CN=Test authority"))
        let left = try #require(found.validUntil) - WallClock.now()
        #expect((86_400 * 1.9..<86_400 * 2.1).contains(left))
    }

    @Test func `without TLS, or before its end, there is no peer to see`() async throws {
        let authority = try TestAuthority()
        let isSeen = try await WorkerThread.run { worker -> Bool in
            let ends = try await TLSEnds(worker)
            defer { ends.close() }
            let context = try TLSClientContext(.init(caFile: authority.caFile))
            let session = try TLSSession(
                ends.client, .client(context, name: .name("localhost"), sessions: nil, server: ""))
            return TLSPeer(session) != nil
        }
        #expect(!isSeen)
    }
}
