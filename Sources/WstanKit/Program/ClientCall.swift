import CLinux
import Glibc
import WstanBase
import WstanConfig
import WstanCore

/// A connection to a client that runs on this host, or elsewhere, made for a program that does nothing else meanwhile:
/// everything waits.
enum ClientCall {
    enum Failure: Error, Equatable {
        /// No client was reached. The error is nil if nothing listens.
        case noClient(SystemError?)
        /// What answers does not speak as a client does, or closes at once.
        case notAClient(ListenAddress)
        /// The user and the password that it wants are missing, or others.
        case unauthenticated(hasCredentials: Bool)
        /// Its rules, or the server's, forbid the target; in its words.
        case forbidden(String)
        /// The target cannot be reached; in its words.
        case refused(String)
        /// It has ended, or broken, before it said anything.
        case lost
    }

    /// A request that is on its way. What is written to the descriptor goes to the target, if it is reached.
    struct Pending {
        let descriptor: Int32
        fileprivate let place: ListenAddress
        fileprivate let hasCredentials: Bool
    }

    private static let patience = timeval(tv_sec: 10, tv_usec: 0)
    /// A client answers within a minute of waiting for the target, and may wait for a server before that.
    private static let outcomePatience = timeval(tv_sec: 120, tv_usec: 0)
    private static let answerHead = 16 * 1024
    private static let answerBody = 4 * 1024

    /// Asks the first of `places` that can be reached for `target`, and for the outcome (RFC 7240 section 4.3).
    ///
    /// - Parameter credentials: `user:password`.
    static func begin(
        to target: Address, by places: [ListenAddress], _ credentials: [UInt8]?
    ) throws(Failure) -> Pending {
        var trouble: SystemError?
        for place in places {
            switch reach(place) {
            case .success(let descriptor):
                guard send(request(for: target, credentials), on: descriptor) else {
                    close(descriptor)
                    throw .notAClient(place)
                }
                return Pending(descriptor: descriptor, place: place, hasCredentials: credentials != nil)
            case .failure(let error):
                if error.code != ECONNREFUSED, error.code != ENOENT { trouble = error }
            }
        }
        throw .noClient(trouble)
    }

    /// Waits for the outcome.
    ///
    /// - Returns: the target's first bytes, if any have come with it.
    static func finish(_ call: Pending) throws(Failure) -> [UInt8] {
        setPatience(outcomePatience, on: call.descriptor)
        let head: HTTPHead
        var rest: [UInt8]
        do throws(Failure) {
            (head, rest) = try receiveAnswer(call)
            guard let status = head.status, !(200...299).contains(status) else {
                setPatience(timeval(tv_sec: 0, tv_usec: 0), on: call.descriptor)
                return rest
            }
            if status == 407 { throw .unauthenticated(hasCredentials: call.hasCredentials) }
            let text = receiveText(head, &rest, call.descriptor)
            // Web servers explain themselves in HTML.
            guard !text.isEmpty, isText(head) else { throw .notAClient(call.place) }
            throw status == 403 ? .forbidden(text) : .refused(text)
        } catch {
            close(call.descriptor)
            throw error
        }
    }

    // MARK: Reaching it

    private static func reach(_ place: ListenAddress) -> Result<Int32, SystemError> {
        switch place {
        case .unix(let path):
            return opened(AF_UNIX) { (descriptor) throws(SystemError) in
                try UnixPath.connect(descriptor, to: path)
            }
        case .tcp(let host, let port):
            // What does not resolve, nobody listens on.
            var trouble = SystemError(call: "getaddrinfo", code: ENOENT)
            for address in addresses(of: host == "*" ? "::" : host, port) {
                let result = opened(address.family) { (descriptor) throws(SystemError) in
                    SocketOption.noDelay.set(1, on: descriptor)
                    _ = try SystemError.check("connect") {
                        address.withSockaddr { Glibc.connect(descriptor, $0, $1) }
                    }
                }
                switch result {
                case .success: return result
                // A host without IPv6 has only half of localhost.
                case .failure(let error): if trouble.code != ECONNREFUSED { trouble = error }
                }
            }
            return .failure(trouble)
        }
    }

    private static func addresses(of host: String, _ port: UInt16) -> [SocketAddress] {
        switch Host(text: host) {
        case .ipv4(let address): [.ipv4(address, port: port)]
        // Every address, which a host without IPv6 has of IPv4 only.
        case .ipv6(let address) where address.high == 0 && address.low == 0:
            [.ipv6(address, port: port, scope: 0), .ipv4(IPv4Address(0), port: port)]
        case .ipv6(let address): [.ipv6(address, port: port, scope: 0)]
        case .name, nil: Resolver.lookUpNow(host, port: port)
        }
    }

    private static func opened(
        _ family: Int32, _ connect: (Int32) throws(SystemError) -> Void
    ) -> Result<Int32, SystemError> {
        Result { () throws(SystemError) in
            let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
            let descriptor = try SystemError.check("socket") { socket(family, type, 0) }
            setPatience(patience, on: descriptor)
            do throws(SystemError) {
                try connect(descriptor)
                return descriptor
            } catch {
                close(descriptor)
                throw error
            }
        }
    }

    /// How long a connect, a write or a read may take; zero is for ever (socket(7), SO_RCVTIMEO).
    private static func setPatience(_ time: timeval, on descriptor: Int32) {
        var time = time
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            setsockopt(descriptor, SOL_SOCKET, option, &time, socklen_t(MemoryLayout<timeval>.size))
        }
    }

    // MARK: Asking it

    private static func request(for target: Address, _ credentials: [UInt8]?) -> [UInt8] {
        var lines = ["CONNECT \(target) HTTP/1.1", "Host: \(target)", "Prefer: wait", "Accept: text/plain"]
        // RFC 7617 section 2.
        if let credentials { lines.append("Proxy-Authorization: Basic \(Base64.encode(credentials))") }
        return Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8)
    }

    private static func receiveAnswer(_ call: Pending) throws(Failure) -> (HTTPHead, rest: [UInt8]) {
        var reader = AnswerReader(limit: answerHead)
        var hasHeard = false
        while true {
            let bytes = receive(call.descriptor)
            guard !bytes.isEmpty else { throw hasHeard ? .lost : .notAClient(call.place) }
            hasHeard = true
            do throws(AnswerReader.Failure) {
                if let head = try reader.append(bytes) { return (head, Array(reader.rest)) }
            } catch {
                throw .notAClient(call.place)
            }
        }
    }

    private static func isText(_ head: HTTPHead) -> Bool {
        head.values(of: "Content-Type").first?.starts(with: "text/plain".utf8) ?? false
    }

    /// The answer's body in one line.
    private static func receiveText(_ head: HTTPHead, _ body: inout [UInt8], _ descriptor: Int32) -> String {
        let length = head.value(of: "Content-Length").flatMap { Int(String(decoding: $0, as: UTF8.self)) } ?? answerBody
        while body.count < min(length, answerBody) {
            let more = receive(descriptor)
            if more.isEmpty { break }
            body += more
        }
        let line = body.prefix(min(max(length, 0), answerBody)).map { $0 == 10 ? 32 : $0 }
        return Printable.prose(String(decoding: line[...].trimmed, as: UTF8.self).unicodeScalars)
    }

    private static func send(_ message: [UInt8], on descriptor: Int32) -> Bool {
        message.withUnsafeBytes { BlockingCopy.write($0, to: descriptor) }
    }

    /// - Returns: nothing at the end, after a failure and when the time is over.
    private static func receive(_ descriptor: Int32) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = recv(descriptor, &bytes, bytes.count, 0)
            if count > 0 { return Array(bytes[..<count]) }
            guard count < 0, errno == EINTR else { return [] }
        }
    }
}
