import Foundation
import Testing

@testable import WstanBase
@testable import WstanCore

/// Bytes as the vectors of version 2 write them.
struct HexBytes: Decodable, Equatable {
    let bytes: [UInt8]

    init(from decoder: any Decoder) throws {
        bytes = Hexadecimal(try decoder.singleValueContainer().decode(String.self)).bytes
    }

    var secret: SecretBytes { SecretBytes(bytes) }
}

/// The part of the vectors of version 2 that is about keys and handshakes.
struct HandshakeVectors: Decodable {
    struct Keys: Decodable {
        struct Key: Decodable {
            let text: String
            let realm: String?
            let serverPublic: HexBytes?
            let serverPrivate: HexBytes?
            let userSecret: HexBytes?
            let kid: HexBytes?
            let psk: HexBytes?
            let mask: HexBytes?
            let cookie: String?
        }

        let client: Key
        let clientWithRealm: Key
        let server: Key
        let shared: Key
        let bad: [String]
    }

    struct Hello: Decodable {
        let time: UInt64
        let cipher: UInt8
        let flags: UInt8
        let options: [String: HexBytes]
    }

    struct Handshake: Decodable {
        let name: String
        let salt: HexBytes
        let eClient: HexBytes
        let eServer: HexBytes
        let time: UInt64
        let realm: String
        let binding: HexBytes
        let keyM1: HexBytes
        let maskM2: HexBytes
        let m1: HexBytes
        let request: String
        let body: HexBytes
        let m2: HexBytes
        let hello: Hello
        let handshakeHash: HexBytes
        let kemSecret: HexBytes?
        let chainC2S: HexBytes
        let chainS2C: HexBytes
        let keyC2S: HexBytes?
        let ivC2S: HexBytes?
        let keyS2C: HexBytes?
        let ivS2C: HexBytes?
        let cookie: String
        let recordsC2S: [HexBytes]
        let recordsS2C: [HexBytes]
    }

    struct Refused: Decodable {
        let name: String
        let m1: HexBytes
        let now: UInt64
        let reason: String
        let acceptedBefore: [HexBytes]
        /// There, and empty, where the server has no users.
        let users: [String]?
    }

    struct RefusedHello: Decodable {
        let name: String
        let m2: HexBytes
    }

    let keys: Keys
    let handshakes: [Handshake]
    let refused: [Refused]
    let refusedHellos: [RefusedHello]

    static let all: HandshakeVectors = read("vectors-v2")

    /// A trap here is a broken file, and all tests that need it fail at once.
    static func read<T: Decodable>(_ name: String) -> T {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        guard let url = Bundle.module.url(forResource: name, withExtension: "json", subdirectory: "Vectors/v2"),
            let bytes = try? Data(contentsOf: url)
        else { preconditionFailure("no vectors") }
        do { return try decoder.decode(T.self, from: bytes) } catch { preconditionFailure("\(name): \(error)") }
    }
}

/// The vectors that Noise's other implementations publish.
struct NoiseVectors: Decodable {
    struct Vector: Decodable {
        struct Message: Decodable {
            let payload: HexBytes
            let ciphertext: HexBytes
        }

        let protocolName: String
        let initPrologue: HexBytes
        let initPsks: [HexBytes]
        let initEphemeral: HexBytes
        let initRemoteStatic: HexBytes?
        let respPrologue: HexBytes
        let respPsks: [HexBytes]
        let respStatic: HexBytes?
        let respEphemeral: HexBytes
        let handshakeHash: HexBytes
        let messages: [Message]
    }

    let vectors: [Vector]

    static let all: NoiseVectors = HandshakeVectors.read("noise-psk0")
}
