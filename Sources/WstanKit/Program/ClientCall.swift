import CLinux
import Glibc
import WstanBase
import WstanConfig
import WstanCore

/// A connection to a client that runs on this host, or elsewhere, made for a program that does nothing else meanwhile:
/// everything waits.
enum ClientCall {
    enum Failure: Error, Equatable {
        /// None could be reached; why, if nobody simply listens.
        case noClient(SystemError?)
        /// What answers speaks no SOCKS5, or closes at once.
        case notAClient(ListenAddress)
        /// The user and the password that it wants are missing, or others.
        case unauthenticated(hasCredentials: Bool)
        /// It said so; a code of RFC 1928 section 6.
        case refused(UInt8)
        /// It has ended, or broken, before it said anything.
        case lost
    }

    private static let patience = timeval(tv_sec: 10, tv_usec: 0)

    /// Asks the first of `places` that can be reached for `target`.
    ///
    /// - Returns: the descriptor of the connection that bears the target's bytes.
    static func connect(
        to target: Address, by places: [ListenAddress], _ credentials: Socks5Client.Credentials?
    ) throws(Failure) -> Int32 {
        var trouble: SystemError?
        for place in places {
            switch reach(place) {
            case .success(let descriptor):
                return try ask(descriptor, place, for: target, credentials)
            case .failure(let error):
                if error.code != ECONNREFUSED, error.code != ENOENT { trouble = error }
            }
        }
        throw .noClient(trouble)
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
            for address in addresses(of: host, port) {
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

    private static func ask(
        _ descriptor: Int32, _ place: ListenAddress, for target: Address, _ credentials: Socks5Client.Credentials?
    ) throws(Failure) -> Int32 {
        do throws(Failure) {
            var machine = Socks5ClientMachine(to: target, credentials)
            try send(machine.greeting, on: descriptor)
            var received: [UInt8] = []
            var hasHeard = false
            while true {
                // One byte at a time: what comes behind the last one is the target's.
                guard let byte = receiveByte(descriptor) else { throw hasHeard ? .lost : .notAClient(place) }
                received.append(byte)
                hasHeard = true
                switch try next(&machine, &received, place, hasCredentials: credentials != nil) {
                case .waitForMore:
                    break
                case .send(let message):
                    try send(message, on: descriptor)
                    // A target may take its time, and the client knows how long.
                    setPatience(timeval(tv_sec: 0, tv_usec: 0), on: descriptor)
                case .pass:
                    return descriptor
                }
            }
        } catch {
            close(descriptor)
            throw error
        }
    }

    private static func next(
        _ machine: inout Socks5ClientMachine, _ received: inout [UInt8], _ place: ListenAddress, hasCredentials: Bool
    ) throws(Failure) -> Socks5ClientMachine.Action {
        do throws(Socks5Client.Failure) {
            return try received.consume { (reader) throws(Socks5Client.Failure) in try machine.received(&reader) }
        } catch {
            switch error {
            case .malformed: throw .notAClient(place)
            case .noMethod, .wrongCredentials: throw .unauthenticated(hasCredentials: hasCredentials)
            case .refused(let code): throw .refused(code)
            }
        }
    }

    private static func send(_ message: [UInt8], on descriptor: Int32) throws(Failure) {
        let isSent = message.withUnsafeBytes { BlockingCopy.write($0, to: descriptor) }
        guard isSent else { throw .lost }
    }

    private static func receiveByte(_ descriptor: Int32) -> UInt8? {
        var byte: UInt8 = 0
        while true {
            let count = recv(descriptor, &byte, 1, 0)
            if count == 1 { return byte }
            guard count < 0, errno == EINTR else { return nil }
        }
    }
}
