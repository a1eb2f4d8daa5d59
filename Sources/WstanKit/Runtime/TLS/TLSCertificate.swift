import COpenSSL
import Glibc
import WstanBase

/// What a certificate says of itself, in words for a person. Whoever made it chose them, so they are cut to visible
/// ASCII and to a length.
enum TLSCertificate {
    static func lastDay(_ certificate: OpaquePointer?) -> String { day(X509_get0_notAfter(certificate)) }
    static func firstDay(_ certificate: OpaquePointer?) -> String { day(X509_get0_notBefore(certificate)) }

    private static func day(_ time: UnsafePointer<ASN1_TIME>?) -> String {
        var calendar = tm()
        guard let time, ASN1_TIME_to_tm(time, &calendar) == 1 else { return "an unreadable day" }
        let digits: (Int32) -> String = { $0 < 10 ? "0\($0)" : "\($0)" }
        return "\(Int(calendar.tm_year) + 1900)-\(digits(calendar.tm_mon &+ 1))-\(digits(calendar.tm_mday))"
    }

    /// The names and addresses that it is for.
    static func names(_ certificate: OpaquePointer?) -> [String] {
        var names: [String] = []
        if let found = X509_get_ext_d2i(certificate, NID_subject_alt_name, nil, nil) {
            let list = OpaquePointer(found)
            defer { GENERAL_NAMES_free(list) }
            for index in 0..<max(0, OPENSSL_sk_num(list)) where names.count < TLSLimits.namesTold {
                guard let item = OPENSSL_sk_value(list, index) else { continue }
                let name = item.assumingMemoryBound(to: GENERAL_NAME.self).pointee
                switch name.type {
                case GEN_DNS: names.append(printable(bytes(name.d.dNSName)))
                case GEN_IPADD: if let address = address(bytes(name.d.iPAddress)) { names.append(address) }
                default: continue
                }
            }
        }
        if names.isEmpty { names = [commonName(X509_get_subject_name(certificate))] }
        return names.filter { !$0.isEmpty }
    }

    static func issuer(_ certificate: OpaquePointer?) -> String { commonName(X509_get_issuer_name(certificate)) }

    /// With country, organisation and the rest, in OpenSSL's form of one line.
    static func issuerInFull(_ certificate: OpaquePointer?) -> String {
        var text = [CChar](repeating: 0, count: 256)
        guard X509_NAME_oneline(X509_get_issuer_name(certificate), &text, 256) != nil else { return "" }
        return printable(text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)))
    }

    /// SHA-256 of its SubjectPublicKeyInfo (RFC 7469 section 2.4).
    static func pin(_ certificate: OpaquePointer?) -> [UInt8]? {
        var encoded: UnsafeMutablePointer<UInt8>?
        let count = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &encoded)
        guard count > 0, let encoded else { return nil }
        defer { CRYPTO_free(encoded, nil, 0) }
        var digest = [UInt8](repeating: 0, count: 32)
        guard EVP_Digest(encoded, Int(count), &digest, nil, EVP_sha256(), nil) == 1 else { return nil }
        return digest
    }

    /// As a pin is written.
    static func text(ofPin pin: [UInt8]) -> String {
        var text = [UInt8](repeating: 0, count: 48)
        let count = EVP_EncodeBlock(&text, pin, Int32(clamping: min(pin.count, 32)))
        return "sha256/" + String(decoding: text.prefix(Int(count)), as: UTF8.self)
    }

    private static func commonName(_ name: OpaquePointer?) -> String {
        var text = [CChar](repeating: 0, count: 256)
        if X509_NAME_get_text_by_NID(name, NID_commonName, &text, 256) <= 0 {
            guard X509_NAME_oneline(name, &text, 256) != nil else { return "" }
        }
        return printable(text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)))
    }

    private static func bytes(_ string: UnsafePointer<ASN1_STRING>?) -> [UInt8] {
        guard let string, let data = ASN1_STRING_get0_data(string) else { return [] }
        return Array(UnsafeBufferPointer(start: data, count: max(0, Int(ASN1_STRING_length(string)))))
    }

    private static func address(_ bytes: [UInt8]) -> String? {
        let family = bytes.count == 4 ? AF_INET : AF_INET6
        guard bytes.count == 4 || bytes.count == 16 else { return nil }
        var text = [CChar](repeating: 0, count: 64)
        guard inet_ntop(family, bytes, &text, 64) != nil else { return nil }
        return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    private static func printable(_ bytes: [UInt8]) -> String {
        let visible = bytes.prefix(TLSLimits.charactersTold).map { Printable.isASCII($0) ? $0 : UInt8(ascii: "?") }
        return String(decoding: visible, as: UTF8.self)
    }
}
