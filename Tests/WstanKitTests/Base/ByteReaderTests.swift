import Testing

@testable import WstanBase
@testable import WstanKit

@Suite struct ByteReaderTests {
    private struct Refused: Error {}

    @Test func `what was consumed is dropped, and nothing else`() {
        var bytes: [UInt8] = [0, 1, 2, 3, 4]
        let number = bytes.consume { $0.readInteger(UInt16.self) }
        #expect(number == 1)
        #expect(bytes == [2, 3, 4])
        let tooMuch = bytes.consume { $0.readInteger(UInt32.self) }
        #expect(tooMuch == nil)
        #expect(bytes == [2, 3, 4])
        #expect(bytes.consume { Array($0.readRest()) } == [2, 3, 4])
        #expect(bytes.isEmpty)
    }

    @Test func `a reader that throws drops nothing`() {
        var bytes: [UInt8] = [1, 2, 3]
        #expect(throws: Refused.self) {
            try bytes.consume { (reader) throws(Refused) in
                _ = reader.readByte()
                throw Refused()
            }
        }
        #expect(bytes == [1, 2, 3])
    }
}
