import Testing

@testable import WstanBase
@testable import WstanConfig
@testable import WstanCore

/// Plain HTTP by a proxy whose tunnels are of version 2.
@Suite(.serialized, .timeLimit(.minutes(1))) struct RolesHTTPTests {
    /// Answers each request by its path.
    private static func serve(_ stream: WstanCore.Stream) async {
        var intake = BufferedReader(stream)
        while let head = try? await intake.readHead(limit: 10_000, deadline: stream.worker.now + .seconds(30)).get(),
            let line = head.requestLine
        {
            switch String(decoding: line.target, as: UTF8.self) {
            case "/whole": stream.write(Array("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwhole".utf8))
            case "/close":
                stream.write(Array("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nto the end".utf8))
                return stream.closeOrderly(awaitingPeer: true)
            default: return stream.resetAfterDelivery()
            }
        }
        stream.closeOrderly(awaitingPeer: true)
    }

    private static func answers(to paths: [String]) async throws -> String {
        try await WorkerThread.run { worker in
            let stage = try RolesStage(on: worker)
            defer { stage.close() }
            let target = try stage.target { await Self.serve($0) }
            let stream = try await stage.userAgent()
            for path in paths {
                stream.write(Array("GET http://\(target)\(path) HTTP/1.1\r\nHost: \(target)\r\n\r\n".utf8))
            }
            stream.finish()
            defer { stream.close() }
            return String(decoding: await stream.readAll().bytes, as: UTF8.self)
        }
    }

    @Test func `answers with a length share a connection, and one to its end ends with the target`() async throws {
        let heard = try await Self.answers(to: ["/whole", "/whole", "/close"])
        #expect(heard.ranges(of: "200 OK").count == 3)
        #expect(heard.hasSuffix("to the end"))
    }

    @Test func `a target that resets is explained`() async throws {
        let heard = try await Self.answers(to: ["/reset"])
        #expect(heard.contains("502") && heard.contains("broke the connection off"))
    }
}
