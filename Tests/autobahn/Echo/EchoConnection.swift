@testable import WstanBase
@testable import WstanCore

/// One WebSocket connection whose messages go back as they came. What an application has to know of RFC 6455 is here: that
/// text is UTF-8 (the tunnel refuses all text), and who closes when. All else is the product's.
final class EchoConnection: @unchecked Sendable {
    private let stream: Stream
    private let role: WebSocketRole
    private var reader: FrameReader
    private var message: [UInt8] = []
    private var text = TextCheck()
    private var isClosing = false
    /// What a fuzzing server has to say, such as the number of its cases.
    private(set) var lastMessage: [UInt8] = []

    /// The bound of Autobahn's largest message.
    private static let largest = 64 << 20

    init(_ stream: Stream, role: WebSocketRole) {
        self.stream = stream
        self.role = role
        reader = FrameReader(role: role)
    }

    /// Server: the opening handshake, then the echo.
    static func welcome(_ stream: Stream) async {
        var intake = BufferedReader(stream)
        let deadline = stream.worker.now + .seconds(10)
        guard case .success(let head) = try? await intake.readHead(limit: 8192, deadline: deadline),
            let key = WebSocketHandshake.key(in: head)
        else { return stream.close() }
        let accept = Base64.encode(Nonce.accept(forKey: key))
        stream.write(WebSocketHandshake.response(accept: accept, server: "echo", date: HTTPDate.format(0)))
        await EchoConnection(stream, role: .server).run(first: intake.bytes)
    }

    func run(first: [UInt8]) async {
        var first = first
        first.withUnsafeMutableBytes { receive($0) }
        while !isClosing {
            await stream.waitDrained()
            guard await stream.waitReadable() == .ready else { break }
            let body = stream.worker.scratch.body()
            switch stream.read(into: body) {
            case .bytes(let count): receive(UnsafeMutableRawBufferPointer(rebasing: body[..<count]))
            case .wouldBlock: continue
            case .end, .failed:
                stream.close()
                return
            }
        }
        // As the tunnel ends: a server closes first (section 7.1.1), a client waits for that.
        stream.closeOrderly(awaitingPeer: role == .client)
    }

    private func receive(_ bytes: UnsafeMutableRawBufferPointer) {
        var offset = 0
        do throws(FrameError) {
            while !isClosing, let event = try reader.next(in: bytes, from: &offset) {
                switch event {
                case .ping(let payload): stream.write(FrameHead.frame(.pong, payload, mask: newMask()))
                case .pong: continue
                case .close(let code): close(code ?? CloseCode.normal)
                case .payload(let range, let isText, let endsMessage):
                    take(UnsafeRawBufferPointer(rebasing: bytes[range]), isText: isText, endsMessage: endsMessage)
                }
            }
        } catch {
            close(error.closeCode)
        }
    }

    private func take(_ piece: UnsafeRawBufferPointer, isText: Bool, endsMessage: Bool) {
        guard message.count + piece.count <= Self.largest else { return close(1009) }
        // Section 8.1. At once, not at the end of the message.
        if isText, !text.accepts(piece, isLast: endsMessage) { return close(1007) }
        message += piece
        guard endsMessage else { return }
        echo(isText ? .text : .binary)
        lastMessage = message
        message = []
        text = TextCheck()
    }

    private func echo(_ opcode: Opcode) {
        let mask = newMask()
        let head = FrameHead(opcode: opcode, payloadCount: message.count, mask: mask)
        var bytes = [UInt8](repeating: 0, count: head.size) + message
        bytes.withUnsafeMutableBytes { buffer in
            mask?.apply(to: UnsafeMutableRawBufferPointer(rebasing: buffer[head.size...]))
            if let start = buffer.baseAddress { head.write(before: start + head.size) }
            stream.write(UnsafeRawBufferPointer(buffer))
        }
    }

    private func close(_ code: UInt16) {
        isClosing = true
        stream.write(FrameHead.close(code: code, mask: newMask()))
    }

    private func newMask() -> MaskingKey? {
        role == .client ? MaskingKey(stream.worker.randomness.next()) : nil
    }
}
