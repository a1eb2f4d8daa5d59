import Glibc

@testable import WstanBase
@testable import WstanCore

/// The client's part: asks Autobahn's fuzzing server for its cases, takes each of them, and has the report written.
struct EchoVisitor {
    let server: SocketAddress
    let worker: Worker

    func visitAll() async {
        let answer = await visit("/getCaseCount")
        guard let count = Int(String(decoding: answer, as: UTF8.self)) else {
            Echo.leave("no number of cases, but \(answer)")
        }
        for number in stride(from: 1, through: count, by: 1) {
            _ = await visit("/runCase?case=\(number)&agent=wstan")
        }
        _ = await visit("/updateReports?agent=wstan")
        _exit(0)
    }

    /// - Returns: the last message of the server.
    private func visit(_ path: String) async -> [UInt8] {
        do {
            let deadline = worker.now + .seconds(30)
            let stream = try await Stream.connect(to: server, worker: worker, deadline: deadline)
            let nonce = Nonce(high: worker.randomness.next(), low: worker.randomness.next())
            stream.write(
                WebSocketHandshake.request(path: path, host: "\(server)", key: nonce.base64, cookie: nil))
            var intake = BufferedReader(stream)
            let accept = Base64.encode(Nonce.accept(forKey: nonce.base64.utf8))
            guard case .success(let head) = try await intake.readHead(as: .answer, limit: 8192, deadline: deadline),
                head.status == 101, WebSocketHandshake.isAccepted(head, expecting: accept)
            else { Echo.leave("\(path) is refused") }
            let connection = EchoConnection(stream, role: .client)
            await connection.run(first: intake.bytes)
            return connection.lastMessage
        } catch {
            Echo.leave("\(path): \(error)")
        }
    }
}
