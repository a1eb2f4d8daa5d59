@testable import WstanCore

/// Heads as tests write them, and pieces as the network cuts them.
enum HTTPFixture {
    static func head(_ lines: String...) throws -> HTTPHead {
        try HTTPHead(Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8))
    }

    static func answer(_ lines: String...) throws -> HTTPHead {
        try HTTPHead(Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8), as: .answer)
    }

    static func text(_ bytes: some Sequence<UInt8>) -> String {
        String(decoding: Array(bytes), as: UTF8.self)
    }

    /// All cuts that matter: at once, one byte at a time, in two at every place, and some at random.
    static func cuts(of bytes: [UInt8], _ random: inout SeededRandomness) -> [[[UInt8]]] {
        var cuts = [[bytes], bytes.map { [$0] }]
        for place in 0...bytes.count { cuts.append([Array(bytes[..<place]), Array(bytes[place...])]) }
        for _ in 0..<20 {
            var pieces: [[UInt8]] = []
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = 1 + random.below(min(rest.count, 40))
                pieces.append(Array(rest.prefix(count)))
                rest = rest.dropFirst(count)
            }
            cuts.append(pieces)
        }
        return cuts
    }
}
