import Foundation
import Testing

@testable import WstanBase
@testable import WstanCore

/// What vectors-v2.json says of records, messages and the tunnel's life.
struct MessageVectors: Decodable {
    struct Message: Decodable {
        let name: String
        let plaintext: String
        let record: String
    }

    struct MessageList: Decodable {
        let list: [Message]
    }

    struct Hello: Decodable {
        let cipher: UInt8
    }

    struct Handshake: Decodable {
        let name: String
        let request: Word
        let body: String
        let hello: Hello
        let chainC2S: String
        let chainS2C: String
        let keyC2S: String?
        let ivC2S: String?
        let keyS2C: String?
        let ivS2C: String?
        let recordsC2S: [String]
        let recordsS2C: [String]

        enum CodingKeys: String, CodingKey {
            case name, request, body, hello
            case chainC2S = "chain_c2s"
            case chainS2C = "chain_s2c"
            case keyC2S = "key_c2s"
            case ivC2S = "iv_c2s"
            case keyS2C = "key_s2c"
            case ivS2C = "iv_s2c"
            case recordsC2S = "records_c2s"
            case recordsS2C = "records_s2c"
        }

        func cipher() throws -> RecordCipher { try #require(RecordCipher(byte: hello.cipher)) }
        func toServer() throws -> Epoch { Epoch(cipher: try cipher(), chain: SecretBytes(Hexadecimal(chainC2S).bytes)) }
        func toClient() throws -> Epoch { Epoch(cipher: try cipher(), chain: SecretBytes(Hexadecimal(chainS2C).bytes)) }
    }

    /// A record in hexadecimal, or so many bytes of zeros.
    struct Record: Decodable {
        let bytes: [UInt8]

        private struct Zeros: Decodable {
            let count: Int
            enum CodingKeys: String, CodingKey { case count = "zero_bytes" }
        }

        init(from decoder: any Decoder) throws {
            let value = try decoder.singleValueContainer()
            if let text = try? value.decode(String.self) {
                bytes = Hexadecimal(text).bytes
            } else {
                bytes = [UInt8](repeating: 0, count: try value.decode(Zeros.self).count)
            }
        }
    }

    struct Violation: Decodable {
        let name: String
        let records: [Record]
        let reason: String
    }

    /// The name of a type, or its number where it has none.
    enum Word: Decodable, Equatable {
        case name(String)
        case number(UInt8)

        init(from decoder: any Decoder) throws {
            let value = try decoder.singleValueContainer()
            if let name = try? value.decode(String.self) {
                self = .name(name)
            } else {
                self = .number(try value.decode(UInt8.self))
            }
        }

        var type: MessageType? {
            switch self {
            case .number(let byte): MessageType(byte: byte)
            case .name(let name): Self.types[name]
            }
        }

        var byte: UInt8 {
            switch self {
            case .number(let byte): byte
            case .name: type?.byte ?? 0xff
            }
        }

        static let types: [String: MessageType] = [
            "NOP": .nop, "DATA": .data, "FIN": .fin, "RESET": .reset, "OK": .ok, "PING": .ping, "PONG": .pong,
            "REKEY": .rekey,
            "BYE": .bye, "ACK": .ack, "DATAAT": .dataAt, "DGRAM": .dgram, "PACKET": .packet, "NEED": .need,
            "CONNECT": .request(.connect), "ASSOCIATE": .request(.associate), "LISTEN": .request(.listen),
            "PARK": .request(.park),
            "INCOMING": .request(.incoming), "NETWORK": .request(.network), "RESUME": .request(.resume),
        ]
    }

    struct Step: Decodable {
        let send: Word?
        let receive: Word?
        let abort: UInt8?
        let body: String?
        let outcome: String?
        /// The name of a message and its body.
        let reply: [String]?
        let sends: [String]?
    }

    struct Scenario: Decodable {
        let name: String
        let side: String
        let steps: [Step]
        let idle: Bool
        let parked: Bool
        let connections: UInt64
    }

    let messages: MessageList
    let handshakes: [Handshake]
    let violations: [Violation]
    let scenarios: [Scenario]

    enum CodingKeys: String, CodingKey {
        case messages, handshakes, violations
        case scenarios = "state_machine"
    }

    static let all: MessageVectors = {
        guard let url = Bundle.module.url(forResource: "vectors-v2", withExtension: "json", subdirectory: "Vectors/v2"),
            let bytes = try? Data(contentsOf: url),
            let vectors = try? JSONDecoder().decode(MessageVectors.self, from: bytes)
        else { preconditionFailure("no vectors") }
        return vectors
    }()
}

extension MessageV2 {
    /// Reads, and writes again what was read.
    static func rewritten(_ plaintext: [UInt8], padding: Int?) throws(WstanCore.Violation) -> [UInt8] {
        try plaintext.withBytes { (bytes) throws(WstanCore.Violation) in try read(bytes).encoded(padding: padding) }
    }

    /// Why bytes are no message; nil for a message.
    static func fault(_ plaintext: [UInt8]) -> WstanCore.Violation? {
        do {
            try plaintext.withBytes { (bytes) throws(WstanCore.Violation) in _ = try read(bytes) }
            return nil
        } catch {
            return error
        }
    }
}
