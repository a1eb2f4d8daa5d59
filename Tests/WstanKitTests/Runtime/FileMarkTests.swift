import Glibc
import Testing

@testable import WstanCore

@Suite struct CertificateWatchTests {
    /// The new certificate that could not be read is read when its mode is mended, which changes nothing else.
    @Test func `a file whose mode has changed is another one`() throws {
        let authority = try TestAuthority()
        let file = try authority.issue().key
        let before = FileMark(of: file)
        #expect(before == FileMark(of: file))
        // Until the clock that files are stamped with has gone on.
        let tries = (0..<1000).first { _ in
            usleep(1000)
            return chmod(file, 0o400) == 0 && FileMark(of: file) != before
        }
        #expect(tries != nil)
        #expect(FileMark(of: "/nowhere/a.pem") == FileMark(of: "/nowhere/b.pem"))
    }
}
