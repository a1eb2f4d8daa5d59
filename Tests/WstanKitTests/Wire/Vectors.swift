import Foundation
import Testing

@testable import WstanBase
@testable import WstanCore

/// Messages that wstan 0.5.1 made; the file says how.
struct Vectors: Decodable {
    struct KeyVector: Decodable {
        let key: String
        let binary: String
        let cookieName: String?

        enum CodingKeys: String, CodingKey {
            case key, binary
            case cookieName = "cookie_name_0_4"
        }
    }

    struct RequestVector: Decodable {
        let key: String
        let tls: Bool
        let nonce: String?
        let timestamp: Double
        let udp: Bool
        let host: String
        let port: UInt16
        let data: String
        let message: String
        let path: String

        enum CodingKeys: String, CodingKey {
            case key, tls, nonce, timestamp, udp, host, port, data, message
            case path = "path_base64"
        }

        func request() throws -> Request {
            let target = Address(host: try #require(Host(text: host)), port: port)
            return Request(time: timestamp, target: target, data: Hexadecimal(data).bytes)
        }

        func associationRequest() throws -> AssociationRequest {
            let request = try request()
            return AssociationRequest(
                time: request.time, first: Datagram(address: request.target, data: request.data))
        }
    }

    struct SessionVector: Decodable {
        let key: String
        let clientNonce: String
        let serverNonce: String
        let toServer: [MessageVector]
        let toClient: [MessageVector]

        enum CodingKeys: String, CodingKey {
            case key
            case clientNonce = "client_nonce"
            case serverNonce = "server_nonce"
            case toServer = "to_server"
            case toClient = "to_client"
        }
    }

    struct MessageVector: Decodable {
        enum Kind: String, Decodable {
            case data, request, reset, datagram
        }

        let kind: Kind
        let message: String
        let data: String?
        let host: String?
        let port: UInt16?
        let timestamp: Double?
        let reason: String?
        let error: String?

        func request() throws -> Request {
            let text = try #require(host)
            let target = Address(host: try #require(Host(text: text)), port: try #require(port))
            let bytes = Hexadecimal(try #require(data)).bytes
            return Request(time: try #require(timestamp), target: target, data: bytes)
        }

        func datagram() throws -> Datagram {
            let text = try #require(host)
            let address = Address(host: try #require(Host(text: text)), port: try #require(port))
            return Datagram(address: address, data: Hexadecimal(try #require(data)).bytes)
        }

        func reset() throws -> Reset {
            Reset(reason: try #require(reason), detail: try #require(error))
        }
    }

    struct AddressVector: Decodable {
        let host: String
        let port: UInt16
        let bytes: String
    }

    struct AcceptVector: Decodable {
        let clientNonce: String
        let key: String
        let accept: String
        let serverNonce: String
        let compatibleServerNonce: String

        enum CodingKeys: String, CodingKey {
            case clientNonce = "client_nonce"
            case key = "sec_websocket_key_base64"
            case accept = "sec_websocket_accept_base64"
            case serverNonce = "server_nonce_default"
            case compatibleServerNonce = "server_nonce_compatible"
        }
    }

    let keys: [KeyVector]
    let requests: [RequestVector]
    let sessions: [SessionVector]
    let addresses: [AddressVector]
    let accept: [AcceptVector]

    /// A trap here is a broken file, and all tests that need it fail at once.
    static let all: Vectors = {
        guard let url = Bundle.module.url(forResource: "wstan-0.5.1", withExtension: "json", subdirectory: "Vectors"),
            let bytes = try? Data(contentsOf: url), let vectors = try? JSONDecoder().decode(Vectors.self, from: bytes)
        else { preconditionFailure("no vectors") }
        return vectors
    }()

    /// Each derived once: a passphrase takes a while.
    static let keysByText: [String: Key] = Dictionary(
        uniqueKeysWithValues: all.keys.compactMap { vector in Key(text: vector.key).map { (vector.key, $0) } })
}
