@testable import WstanBase
@testable import WstanCore

/// A server that does with each connection what the test says. Confined to its worker.
final class HandMadeServer: @unchecked Sendable {
    /// What came on a connection, read up to the end of the first head.
    struct Visit: Sendable {
        let number: Int
        let stream: WstanCore.Stream
        /// nil when the connection ended before.
        let head: HTTPHead?

        func value(_ name: String) -> String? {
            head?.value(of: name).map { String(decoding: $0, as: UTF8.self) }
        }

        /// What accepts the visitor's WebSocket.
        var acceptance: [UInt8] {
            let key = value("Sec-WebSocket-Key") ?? ""
            let accept = Base64.encode(Nonce.accept(forKey: key.utf8))
            return WebSocketHandshake.response(accept: accept, server: "s", date: "d")
        }
    }

    private(set) var visits: [Visit] = []
    private var listener: Listener?

    /// - Parameters:
    ///   - greet: called before anything is read; true when that was all.
    ///   - serve: called with the head of the request.
    init(
        on worker: Worker, greet: @escaping (WstanCore.Stream) -> Bool = { _ in false },
        serve: @escaping (Visit) async -> Void
    ) throws {
        listener = try Listener(Loopback.ipv4, on: worker, dealingTo: [worker]) { [unowned self] event in
            guard case .accepted(let arrival) = event,
                let stream = try? WstanCore.Stream(descriptor: arrival.descriptor, worker: worker)
            else { return }
            let box = Box(greet: greet, serve: serve)
            worker.spawn {
                guard !box.greet(stream) else { return self.visits.append(Visit(number: 0, stream: stream, head: nil)) }
                var intake = BufferedReader(stream)
                let head = try? await intake.readHead(limit: 100_000, deadline: worker.now + .seconds(30)).get()
                let visit = Visit(number: self.visits.count + 1, stream: stream, head: head)
                self.visits.append(visit)
                await box.serve(visit)
            }
        }
    }

    private struct Box: @unchecked Sendable {
        let greet: (WstanCore.Stream) -> Bool
        let serve: (Visit) async -> Void
    }

    var address: Address {
        guard let listener else { preconditionFailure("the server is closed") }
        return Address(host: .ipv4(IPv4Address(0x7f00_0001)), port: listener.address.port)
    }

    func close() {
        listener?.close()
        for visit in visits { visit.stream.close() }
    }
}
