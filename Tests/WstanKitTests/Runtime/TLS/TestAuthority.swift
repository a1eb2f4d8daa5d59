import COpenSSL
import Glibc
import Synchronization

@testable import WstanBase
@testable import WstanCore

/// A certificate authority of a test's own, with its files in a directory that goes when the process ends: contexts read
/// them when the authority may not be in use any more.
final class TestAuthority: @unchecked Sendable {
    struct Failure: Error {}

    let directory: String
    private let key: OpaquePointer
    private let certificate: OpaquePointer
    private var serial = 1

    init(name: String = "Test authority") throws {
        var template = Array("/tmp/wstan-tls.XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Failure() }
        directory = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        Self.cleanUpAtExit
        key = try Self.makeKey()
        certificate = try Self.sign(
            Self.certificate(key, name: name, days: -1...2, serial: 1), [(NID_basic_constraints, "critical,CA:TRUE")],
            by: key, name: name)
        try Self.write(to: caFile) { PEM_write_bio_X509($0, certificate) }
    }

    deinit {
        EVP_PKEY_free(key)
        X509_free(certificate)
    }

    private static let files = Mutex<Set<String>>([])
    private static let cleanUpAtExit: Void = {
        atexit {
            let files = TestAuthority.files.withLock { $0 }
            for file in files { unlink(file) }
            for directory in Set(files.map { $0[..<($0.lastIndex(of: "/") ?? $0.endIndex)] }) {
                rmdir(String(directory))
            }
        }
    }()

    var caFile: String { path("ca.pem") }

    func path(_ name: String) -> String {
        let path = directory + "/" + name
        Self.files.withLock { _ = $0.insert(path) }
        return path
    }

    /// Makes a key and a certificate for it, or one signed by itself.
    ///
    /// - Parameters:
    ///   - names: as OpenSSL writes them, `DNS:localhost,IP:127.0.0.1`.
    ///   - days: from when until when it is valid, from now.
    func issue(
        _ file: String = "server", names: String = "DNS:localhost,IP:127.0.0.1", days: ClosedRange<Int> = -1...2,
        selfSigned: Bool = false
    ) throws -> TLSContext.Identity {
        let identity = TLSContext.Identity(certificate: path(file + ".pem"), key: path(file + "-key.pem"))
        let own = try Self.makeKey()
        defer { EVP_PKEY_free(own) }
        serial += 1
        let fresh = try Self.certificate(own, name: file, days: days, serial: serial)
        defer { X509_free(fresh) }
        if !selfSigned { X509_set_issuer_name(fresh, X509_get_subject_name(certificate)) }
        _ = try Self.sign(fresh, [(NID_subject_alt_name, names)], by: selfSigned ? own : key, name: nil)
        try Self.write(to: identity.certificate) { PEM_write_bio_X509($0, fresh) }
        try Self.write(to: identity.key) { PEM_write_bio_PrivateKey($0, own, nil, nil, 0, nil, nil) }
        return identity
    }

    /// The pin of a certificate in a file.
    static func pin(of file: String) throws -> [UInt8] {
        guard let bio = BIO_new_file(file, "r") else { throw Failure() }
        defer { BIO_free(bio) }
        let certificate = PEM_read_bio_X509(bio, nil, nil, nil)
        defer { X509_free(certificate) }
        guard let pin = TLSCertificate.pin(certificate) else { throw Failure() }
        return pin
    }

    private static func makeKey() throws -> OpaquePointer {
        let context = EVP_PKEY_CTX_new_from_name(nil, "EC", nil)
        defer { EVP_PKEY_CTX_free(context) }
        var key: OpaquePointer?
        guard EVP_PKEY_keygen_init(context) == 1, EVP_PKEY_CTX_set_group_name(context, "prime256v1") == 1,
            EVP_PKEY_generate(context, &key) == 1, let key
        else { throw Failure() }
        return key
    }

    private static func certificate(
        _ key: OpaquePointer, name: String, days: ClosedRange<Int>, serial: Int
    ) throws -> OpaquePointer {
        guard let certificate = X509_new() else { throw Failure() }
        X509_set_version(certificate, 2)
        ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial)
        X509_gmtime_adj(X509_getm_notBefore(certificate), days.lowerBound * 86_400)
        X509_gmtime_adj(X509_getm_notAfter(certificate), days.upperBound * 86_400)
        X509_set_pubkey(certificate, key)
        let subject = X509_get_subject_name(certificate)
        X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, Array(name.utf8), Int32(name.utf8.count), -1, 0)
        X509_set_issuer_name(certificate, subject)
        return certificate
    }

    private static func sign(
        _ certificate: OpaquePointer, _ extensions: [(Int32, String)], by key: OpaquePointer, name: String?
    ) throws -> OpaquePointer {
        for (kind, text) in extensions {
            let it = X509V3_EXT_conf_nid(nil, nil, kind, text)
            guard X509_add_ext(certificate, it, -1) == 1 else { throw Failure() }
            X509_EXTENSION_free(it)
        }
        guard X509_sign(certificate, key, EVP_sha256()) > 0 else { throw Failure() }
        return certificate
    }

    private static func write(to path: String, _ body: (OpaquePointer) -> Int32) throws {
        guard let bio = BIO_new_file(path, "w") else { throw Failure() }
        defer { BIO_free(bio) }
        guard body(bio) == 1 else { throw Failure() }
    }
}

/// Two ends of a connection that speak TLS, and what it takes to make them.
struct TLSEnds: @unchecked Sendable {
    let client: WstanCore.Stream
    let server: WstanCore.Stream
    let sessions = TLSSessions()

    init(_ worker: Worker) async throws {
        (client, server) = try await Loopback.pair(on: worker)
    }

    /// What came of the handshake on either side; nil where it succeeded.
    func shakeHands(
        _ worker: Worker, client configuration: TLSClientContext.Configuration, server: TLSServerContext,
        name: Host = .name("localhost"), sessions: TLSSessions? = nil, patience: Duration = .seconds(30)
    ) async throws -> (client: TLSFailure?, server: TLSFailure?) {
        let context = try TLSClientContext(configuration)
        let far = Task(executorPreference: worker) { () -> TLSFailure? in
            let failure = await Self.failure(of: self.server, .server(server), until: worker.now + patience)
            if failure != nil { self.server.closeOrderly(awaitingPeer: true) }
            return failure
        }
        let side = TLSSession.Side.client(context, name: name, sessions: sessions, server: "s")
        let near = await Self.failure(of: client, side, until: worker.now + patience)
        if near != nil { client.closeOrderly(awaitingPeer: false) }
        return (near, await far.value)
    }

    static func failure(
        of stream: WstanCore.Stream, _ side: TLSSession.Side, until deadline: Instant
    ) async -> TLSFailure? {
        do throws(TLSFailure) {
            try await stream.startTLS(side, deadline: deadline)
            return nil
        } catch {
            return error
        }
    }

    /// Two ends whose handshake has succeeded.
    static func pair(_ worker: Worker, _ authority: TestAuthority) async throws -> TLSEnds {
        let ends = try await TLSEnds(worker)
        let server = try TLSServerContext(.init(identity: authority.issue()))
        let failures = try await ends.shakeHands(worker, client: .init(caFile: authority.caFile), server: server)
        guard failures.client == nil, failures.server == nil else { throw TestAuthority.Failure() }
        return ends
    }

    func close() {
        client.close()
        server.close()
    }
}
