import Foundation
import Testing

@testable import WstanBase
@testable import WstanCore

/// Random schedules with the verdicts of the protocol's reference (Tests/v2/schedules.py, which says what a line is).
@Suite struct TunnelLifeScheduleTests {
    @Test func `the machine comes to the reference's verdict at each step of each schedule`() throws {
        let environment = ProcessInfo.processInfo.environment["WSTAN_SCHEDULES"]
        let kept = try #require(
            Bundle.module.url(forResource: "schedules", withExtension: "txt", subdirectory: "Vectors/v2"))
        let bytes = Array(try Data(contentsOf: environment.map { URL(filePath: $0) } ?? kept))
        var count = 0
        var steps = 0
        for line in bytes.split(separator: UInt8(ascii: "\n")) {
            var schedule = Schedule(line)
            let failure = schedule.run()
            try #require(failure == nil, "\(failure ?? "") in \(String(decoding: line, as: UTF8.self))")
            count += 1
            steps += schedule.steps
        }
        if environment == nil {
            #expect(count == 300)
        } else {
            print("schedules of the reference: \(count), steps: \(steps)")
        }
    }

    /// What looks for faults has to find them: one verdict of each line is another one.
    @Test func `a schedule with another verdict is noticed`() throws {
        for line in [
            "C >10! >0a.", "C >10. <04i", "S <10q >04. ~-", "S <10d", "C >10. <04d <0300t=00 |1,1,1,a",
            "S <0dd |0,0,0,i", "S <10q <10q",
        ] {
            var schedule = Schedule(Array(line.utf8)[...])
            #expect(schedule.run() != nil, "\(line)")
        }
    }
}

private struct Schedule {
    private let tokens: [ArraySlice<UInt8>]
    private var life: TunnelLife
    private(set) var steps = 0

    init(_ line: ArraySlice<UInt8>) {
        let tokens = line.split(separator: UInt8(ascii: " "))
        life = TunnelLife(tokens.first?.first == UInt8(ascii: "C") ? .client : .server)
        self.tokens = Array(tokens.dropFirst())
    }

    /// - Returns: what is otherwise than it was foretold; nil for nothing.
    mutating func run() -> String? {
        for token in tokens {
            let outcome = happen(token)
            steps += 1
            guard outcome.utf8.elementsEqual(token) else { return "\(outcome) at step \(steps)" }
        }
        return nil
    }

    /// - Returns: the token as it should have been.
    private mutating func happen(_ token: ArraySlice<UInt8>) -> String {
        let rest = token.dropFirst()
        switch token.first {
        case UInt8(ascii: "*"): return passRounds(Int(String(decoding: rest, as: UTF8.self)) ?? 0)
        case UInt8(ascii: ">"): return send(rest)
        case UInt8(ascii: "<"): return receive(rest)
        case UInt8(ascii: "~"): return "~" + (life.abort().map { Hex.encode([$0]) } ?? "-")
        default: return state
        }
    }

    private mutating func passRounds(_ count: Int) -> String {
        for _ in 0..<count {
            if life.side == .client {
                _ = life.sendRequest(.stream)
            } else {
                _ = try? life.receivedRequest(.connect, .stream)
            }
            if let connection = life.abort() { _ = life.receivedReset(of: connection) }
        }
        return "*\(count)"
    }

    private static func isUDP(_ token: ArraySlice<UInt8>) -> Bool { token.dropFirst(2).first == UInt8(ascii: "u") }

    private mutating func send(_ token: ArraySlice<UInt8>) -> String {
        guard let byte = Hex.decode(token.prefix(2))?.first, let type = MessageType(byte: byte) else {
            return "no type"
        }
        let isUDP = Self.isUDP(token)
        let may = life.say(type, isUDP ? .datagrams : nil)
        return ">" + Hex.encode([byte]) + (isUDP ? "u" : "") + (may ? "." : "!")
    }

    private mutating func receive(_ token: ArraySlice<UInt8>) -> String {
        guard let byte = Hex.decode(token.prefix(2))?.first else { return "no type" }
        var name = "<" + Hex.encode([byte])
        var body: [UInt8] = []
        switch byte {
        case 0x03, 0x09:
            let connection = Hex.decode(token.dropFirst(2).prefix(2)) ?? []
            name += Hex.encode(connection)
            body = connection + [UInt8](repeating: 0, count: byte == 0x03 ? 1 : 8)
        case 0x01: body = [7]
        case 0x04, 0x10...0x1f:
            body = [0, 0, 0]
            if Self.isUDP(token) {
                name += "u"
                body = [0, 5, 0, 0x13, 0, 1, 1, 0]
            }
        case 0x05, 0x06, 0x0a: body = [UInt8](repeating: 0, count: 8)
        case 0x08: body = [20]
        case 0x0b: body = [0, 1, 0]
        case 0x0c: body = [0, 1, 9]
        case 0x0d: body = [UInt8](repeating: 0, count: 9)
        default: break
        }
        return name + verdict([byte] + body)
    }

    private mutating func verdict(_ plaintext: [UInt8]) -> String {
        plaintext.withUnsafeBytes { bytes in
            guard let message = try? MessageV2.read(bytes), let verdict = try? life.hear(message) else { return "v" }
            let letter =
                switch verdict.outcome {
                case .deliver: "d"
                case .ignore: "i"
                case .request: "q"
                case .refuse: "x"
                case .parked: "p"
                case .reset: "t"
                case .signal: "s"
                }
            return letter + (verdict.reply.map { "=" + Hex.encode([$0]) } ?? "")
        }
    }

    private var state: String {
        let flags = [("i", life.isIdle), ("p", life.isParked), ("a", life.isAborted), ("o", life.isOver)]
        let held = flags.filter(\.1).map(\.0).joined()
        return "|\(life.started),\(life.sentEnds),\(life.receivedEnds),\(held)"
    }
}
