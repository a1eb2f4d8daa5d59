import Testing

@testable import WstanBase
import WstanControl
@testable import WstanCore

@Suite struct KeyStringTests {
    private static let vectors = HandshakeVectors.all.keys

    /// A key string with a right check, whatever is in it.
    private static func text(_ body: [UInt8]) -> String {
        KeyStringText.prefix + Base64.encodeUnpadded(body + SHA256.digest(Array("wstan2 key".utf8) + body).prefix(4))
    }

    private static func problem(_ text: String) -> KeyString.Problem? {
        do throws(KeyString.Problem) {
            _ = try KeyString(text: text)
            return nil
        } catch { return error }
    }

    @Test func `a client's key: the server's public key, the user's secret, and what follows from them`() throws {
        let vector = Self.vectors.client
        let key = try KeyString(text: vector.text)
        #expect(key.kind == .client && key.realm == .none && key.serverKey == nil && key.text == vector.text)
        #expect(key.serverPublicKey.bytes == vector.serverPublic?.bytes)
        #expect(key.serverPublicKey.mask == vector.mask?.secret)
        #expect(key.serverPublicKey.cookieName == vector.cookie)
        let user = try #require(key.userKey)
        #expect(user.secret == vector.userSecret?.secret && user.psk == vector.psk?.secret)
        #expect(Hexadecimal(user.id.description).bytes == vector.kid?.bytes)
        #expect(KeyString(client: key.serverPublicKey, user) == key)
    }

    @Test func `a client's key with a realm, a server's, and one that both ends share`() throws {
        let withRealm = try KeyString(text: Self.vectors.clientWithRealm.text)
        #expect(withRealm.realm.description == Self.vectors.clientWithRealm.realm && withRealm.kind == .client)
        #expect(withRealm.text == Self.vectors.clientWithRealm.text)

        let server = try KeyString(text: Self.vectors.server.text)
        #expect(server.kind == .server && server.userKey == nil && server.text == Self.vectors.server.text)
        #expect(server.serverKey?.privateKey == Self.vectors.server.serverPrivate?.secret)
        #expect(server.serverPublicKey.bytes == Self.vectors.server.serverPublic?.bytes)
        #expect(KeyString(server: try #require(server.serverKey)) == server)

        let shared = try KeyString(text: Self.vectors.shared.text)
        let vector = Self.vectors.shared
        #expect(shared.kind == .shared && shared.text == vector.text)
        #expect(shared.serverKey?.privateKey == vector.serverPrivate?.secret)
        #expect(shared.serverPublicKey.bytes == vector.serverPublic?.bytes)
        #expect(shared.userKey?.secret == vector.userSecret?.secret && shared.userKey?.psk == vector.psk?.secret)
        #expect(shared.userKey.map { Hexadecimal($0.id.description).bytes } == vector.kid?.bytes)
        #expect(KeyString(shared: SecretBytes(Array(0..<32))) == shared)
    }

    /// The first of them was to have another last character, and has the one that the good key has: it is that key.
    @Test func `the bad keys of the vectors, and why they are bad`() throws {
        let problems: [KeyString.Problem?] = [nil, .tooShort, .unknownKind(9), .empty, .otherVersion(3)]
        #expect(Self.vectors.bad.map(Self.problem) == problems)
        #expect(Self.vectors.bad[0] == Self.vectors.shared.text)
        #expect(Self.problem(Self.vectors.bad[0].dropLast() + "Q") == .damaged)
    }

    @Test func `every kind with a realm of every length comes back from its text`() throws {
        var random = SeededRandomness(seed: 9)
        for length in 0...Realm.mostBytes {
            let realm = try #require(Realm(random.bytes(length)))
            let server = ServerKey(privateKey: SecretBytes(random.bytes(32)))
            let user = UserKey(secret: SecretBytes(random.bytes(32)))
            for key in [
                KeyString(shared: user.secret, realm: realm), KeyString(client: server.publicKey, user, realm: realm),
                KeyString(server: server, realm: realm),
            ] {
                let other = try KeyString(text: key.text)
                #expect(other == key && other.realm == realm && other.text == key.text)
            }
        }
        #expect(Realm([UInt8](repeating: 0, count: 33)) == nil)
    }

    @Test func `a text that is cut anywhere, or has one other character, is no key`() throws {
        for text in [Self.vectors.client.text, Self.vectors.shared.text, Self.vectors.clientWithRealm.text] {
            for count in 0..<text.utf8.count { #expect(Self.problem(String(text.prefix(count))) != nil) }
            for (place, character) in text.enumerated().dropFirst(KeyStringText.prefix.count) {
                for other in ["A", "z", "-", "5"] where other != String(character) {
                    var changed = Array(text).map { String($0) }
                    changed[place] = other
                    // Where another kind comes out, its check does not match either.
                    #expect(Self.problem(changed.joined()) == .damaged)
                }
            }
            #expect(Self.problem(text + "AAAA") == .damaged)
        }
    }

    @Test func `a problem says what is wrong`() throws {
        let text = Self.vectors.shared.text
        #expect(Self.problem("") == .notAKeyString)
        #expect(Self.problem("wstan2") == .notAKeyString)
        #expect(Self.problem("WSTAN2:AAAA") == .notAKeyString)
        #expect(Self.problem("wstan:AAAA") == .notAKeyString)
        #expect(Self.problem("wstan02:AAAA") == .notAKeyString)
        #expect(Self.problem("wstan1:AAAA") == .otherVersion(1))
        #expect(Self.problem("wstan99999999999999999999999:A") == .notAKeyString)
        #expect(Self.problem("\u{feff}" + text) == .notAKeyString)
        #expect(Self.problem("wstan2:") == .empty)
        #expect(Self.problem(text + "=") == .character(place: text.utf8.count + 1, UInt8(ascii: "=")))
        #expect(Self.problem("wstan2:AB+D") == .character(place: 10, UInt8(ascii: "+")))
        #expect(Self.problem("wstan2:AB\nD") == .character(place: 10, 10))
        #expect(Self.problem("wstan2:ABé") == .character(place: 10, 0xc3))
        #expect(Self.problem("wstan2:AAAA") == .tooShort)
        #expect(Self.problem("wstan2:" + String(repeating: "A", count: 200)) == .tooLong)
        #expect(Self.problem("wstan2:" + String(repeating: "A", count: 1 << 20)) == .tooLong)
        for kind in [0, 4, 9, 255] as [UInt8] {
            #expect(Self.problem(Self.text([kind] + [UInt8](repeating: 1, count: 40))) == .unknownKind(kind))
        }
        #expect(Self.problem(Self.text([2] + [UInt8](repeating: 1, count: 63))) == .length(.client))
        #expect(Self.problem(Self.text([1] + [UInt8](repeating: 1, count: 65))) == .length(.shared))
        #expect(Self.problem(Self.text([3] + [UInt8](repeating: 1, count: 65))) == .length(.server))
        #expect(Self.problem(Self.text([3] + [UInt8](repeating: 1, count: 64))) == nil)
        #expect(KeyString.Problem.character(place: 3, 10).description.hasSuffix("at place 3: a blank or a line end"))
        #expect(KeyString.Problem.character(place: 3, 0x2b).description.hasSuffix("at place 3: '+'"))
        #expect(KeyString.Problem.character(place: 3, 0xc3).description.hasSuffix("at place 3: the byte 0xc3"))
        // Nothing of what may be a key.
        for problem in [.damaged, .tooShort, .unknownKind(9), .length(.client)] as [KeyString.Problem] {
            #expect(!problem.description.isEmpty && !problem.description.contains("AQAB"))
        }
    }

    @Test func `keys show nothing of themselves`() throws {
        let key = try KeyString(text: Self.vectors.shared.text)
        let keys: [any Redacted] = [
            key, try #require(key.userKey), try #require(key.serverKey), key.serverPublicKey,
            LiveServerKeys(current: try #require(key.serverKey)),
        ]
        for key in keys {
            #expect("\(key) \(String(reflecting: key)) \(Array(Mirror(reflecting: key).children))" == "<key> <key> []")
        }
        var dumped = ""
        dump(keys, to: &dumped)
        #expect(!dumped.contains("secret"))
    }

    @Test func `all names of cookies come up, and none is no name`() {
        var random = SeededRandomness(seed: 3)
        var names: Set<String> = []
        for _ in 0..<400 { names.insert(ServerPublicKey(random.bytes(32)).cookieName) }
        #expect(names == Set(ServerPublicKey.cookieNames) && names.count == 16)
    }
}
