import Testing

@testable import WstanBase
@testable import WstanCore

/// What every `read` over a `ByteReader` promises: nil for missing bytes, and then the reader is where it was; a value
/// once they are there, and what follows them is left alone.
struct ReaderContract<Value: Equatable> {
    let read: (inout ByteReader) throws -> Value?

    enum Outcome: Equatable {
        case value(Value, used: Int)
        case incomplete(position: Int)
        case malformed(position: Int)
    }

    func outcome(_ bytes: [UInt8]) -> Outcome {
        bytes.withUnsafeBytes { buffer in
            var reader = ByteReader(buffer)
            do {
                guard let value = try read(&reader) else { return .incomplete(position: reader.position) }
                return .value(value, used: reader.position)
            } catch {
                return .malformed(position: reader.position)
            }
        }
    }

    /// Byte by byte, at once, and with something behind it.
    func expect(_ value: Value, from bytes: [UInt8], sourceLocation: SourceLocation = #_sourceLocation) {
        for count in 0..<bytes.count {
            #expect(
                outcome(Array(bytes[..<count])) == .incomplete(position: 0), "cut at \(count)",
                sourceLocation: sourceLocation)
        }
        #expect(outcome(bytes) == .value(value, used: bytes.count), sourceLocation: sourceLocation)
        #expect(outcome(bytes + [0xff, 0]) == .value(value, used: bytes.count), sourceLocation: sourceLocation)
    }

    /// No input traps, and only a value moves the reader.
    func expectCalm(_ bytes: [UInt8], sourceLocation: SourceLocation = #_sourceLocation) {
        switch outcome(bytes) {
        case .value(_, let used):
            if used == 0 || used > bytes.count { Issue.record("\(bytes)", sourceLocation: sourceLocation) }
        case .incomplete(let position), .malformed(let position):
            if position != 0 { Issue.record("moved by \(bytes)", sourceLocation: sourceLocation) }
        }
    }
}
