import Testing

@testable import WstanConfig

@Suite struct ConfigUsersFileTests {
    static let yescrypt = "$y$j75$rq2lPpSpzqVEFJ2GJGNVX1$UYWUBjBnInOPust81dT7S54AgcMvImDQEMTacD7jIU/"
    static let gost = "$gy$j75$rq2lPpSpzqVEFJ2GJGNVX1$hkl1PGCaoEqtvKK6Y8/p8s7CRRlf4uEiEUZIYnK7gu7"
    static let scrypt = "$7$CU..../....abcdefgh$8PxaUWtJGdyxfAx738U.604dGq3eNJlulVubrpuxYS3"
    static let sha512 =
        "$6$rounds=1000$abcdefgh$Xh.7.kL3HzhnviFlsn40n4gUrDaYioIIiDlHiWZorP18.1JsnixO1BkqKbso/o60j4iwJz6yRdVGlrUTIYtXT/"
    static let sha256 = "$5$rounds=1000$abcdefgh$uN/x8g5iqpGW8nv2HklfY2EGEvwdVIgjHBpf2Az7t3A"
    static let bcrypt = "$2b$04$abcdefghijklmnopqrstuu/LVz6MZlItEy42I2juLihZ66HnQx/cy"
    static let htpasswd = "$2y$04$abcdefghijklmnopqrstuu/LVz6MZlItEy42I2juLihZ66HnQx/cy"
    static let hashes = [yescrypt, gost, scrypt, sha512, sha256, bcrypt, htpasswd]

    private static func problems(_ text: String) -> [String] {
        problems(Array(text.utf8))
    }

    private static func problems(_ bytes: [UInt8]) -> [String] {
        do throws(UsersFile.Failure) {
            return try UsersFile(bytes, path: "u").warnings.map(\.textWithPlace)
        } catch {
            return error.diagnostics.map(\.textWithPlace)
        }
    }

    @Test func `users come in their order, between comments and blank lines`() throws {
        let text =
            "\u{FEFF}# who\n\n \t\n" + "anna:\(Self.yescrypt)\r\n"
            + "  bert:\(Self.sha256) \n#cleo:x\n密码:\(Self.bcrypt)"
        let file = try UsersFile(Array(text.utf8), path: "u")
        #expect(file.users.map { String(decoding: $0.name, as: UTF8.self) } == ["anna", "bert", "密码"])
        #expect(file.users.map(\.hash) == [Self.yescrypt, Self.sha256, Self.bcrypt])
    }

    @Test func `a file that was not saved as UTF-8 says so`() {
        let text = "anna:\(Self.bcrypt)\n"
        let little: [UInt8] = text.utf8.flatMap { (byte: UInt8) -> [UInt8] in [byte, 0] }
        let big: [UInt8] = text.utf8.flatMap { (byte: UInt8) -> [UInt8] in [0, byte] }
        let widest: [UInt8] = text.utf8.flatMap { (byte: UInt8) -> [UInt8] in [byte, 0, 0, 0] }
        let marks: [[UInt8]] = [[0xFF, 0xFE], [0xFE, 0xFF]]
        for wide in [little, marks[0] + little, marks[1] + big, widest] {
            #expect(Self.problems(wide).first == "u: is encoded as UTF-16 or UTF-32: save it as UTF-8")
        }
        #expect(Self.problems([0xEF, 0xBB, 0xBF] + Array(text.utf8)) == [])
    }

    @Test(arguments: hashes)
    func `a hash is taken whole and in no other way`(hash: String) {
        #expect(Self.problems("a:\(hash)") == [])
        // What is wrong with the line, and that there is no other one.
        for count in 0..<hash.utf8.count where Self.problems("a:\(hash.prefix(count))").count != 2 {
            Issue.record("\(count) bytes of \(hash)")
        }
        #expect(Self.problems("a:\(hash):").count == 2)
        #expect(Self.problems("a:\(hash)x").count == 2)
        #expect(Self.problems("a: \(hash)").count == 2)
    }

    @Test(arguments: [
        "secret", "", "$1$abcdefgh$2yH0WyFhZdJwL0aeiM6d2.", "$apr1$x$y", "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", "$6$",
        "$6",
        "$y$", "$$", "abJnggxhB/yWI",
    ])
    func `what is no strong hash is refused with the remedy, and not quoted`(text: String) throws {
        let problem = try #require(Self.problems("anna:\(text)").first)
        #expect(problem.hasPrefix("u:1:6: line ignored: "))
        #expect(problem.contains("mkpasswd") && (problem.contains("htpasswd -B") || problem.contains("cut off")))
        #expect(text.isEmpty || !problem.contains(":6: \(text)") && !problem.contains("secret"))
    }

    @Test func `every problem is told with its line and column`() {
        let text = "a:\(Self.sha256)\n  a:\(Self.sha256)\nb\n:\(Self.sha256)\n\(String(repeating: "n", count: 256)):x\n"
        #expect(
            Self.problems(text).map { $0.prefix(6) } == ["u:2:3:", "u:3:1:", "u:4:1:", "u:5:1:"])
        #expect(Self.problems(text)[0].contains("line 1"))
    }

    @Test func `the kinds that htpasswd makes by itself are named`() {
        for (text, kind) in [("$apr1$x$y", "$apr1$"), ("{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", "SHA-1"), ("$1$a$b", "MD5")] {
            #expect(Self.problems("a:\(text)")[0].contains(kind))
        }
    }

    @Test func `the others can use the client`() throws {
        let file = try UsersFile(Array("a:$apr1$x$y\nb:\(Self.sha256)\nb:\(Self.bcrypt)\n".utf8), path: "u")
        #expect(file.users.map(\.hash) == [Self.sha256])
        #expect(file.warnings.map(\.severity) == [.warning, .warning])
    }

    @Test func `a file that names nobody, or is no such file, is refused`() {
        for text in ["", "\n\n", "# only this\n"] { #expect(Self.problems(text).count == 1) }
        #expect(Self.problems([UInt8](repeating: 10, count: ConfigurationBounds.usersFileSize + 1)).count == 1)
        let many = String(repeating: "x\n", count: 1000)
        #expect(Self.problems(many).count == ConfigurationBounds.diagnostics + 1)
    }
}
