import Testing
import WstanControl

@Suite struct JSONTests {
    private func read(_ text: String, _ bounds: JSONReader.Bounds = .call) throws -> JSONValue {
        try JSONReader.read(Array(text.utf8), within: bounds)
    }

    @Test(arguments: [
        #"{"a":[1,-2,true,false,null,"x"],"b":{"c":1.5}}"#, #""""#, "[]", "{}", "-0.25", "9223372036854775807",
        #""\"\\\n\t\u0000\u001b\u007f""#, #""ü€😀""#, "1e+20",
    ])
    func `a text of ours is read and written as it was`(text: String) throws {
        #expect(String(decoding: try read(text).text, as: UTF8.self) == text)
    }

    @Test func `escapes, spaces and numbers mean what they say`() throws {
        #expect(try read(#" "\u00e4\ud83d\ude00\/\b\f\r" "#) == .string("ä😀/\u{8}\u{c}\r"))
        #expect(try read("\t[ 1 ,\r\n2 ] ") == .array([.integer(1), .integer(2)]))
        #expect(try read("9223372036854775808") == .number(9_223_372_036_854_775_808))
        #expect(try read("-0") == .integer(0))
        #expect(try read("1E-2") == .number(0.01))
    }

    @Test(arguments: [
        "", " ", "{", "[1,]", "[1 2]", "{\"a\":1,}", "{\"a\"}", "{a:1}", "01", "1.", ".5", "+1", "1e", "-", "tru",
        "nul", "nullx",
        "\"", "\"\\", "\"\\x\"", "\"\\u12\"", "\"\\ud800\"", "\"\\ud800\\u0041\"", "\"\\udc00\"", "\"\n\"", "1 1",
        "{\"a\":1,\"a\":2}",
        "NaN", "1e999", "\"\\u00é0\"", "\u{feff}{}", "'a'",
    ])
    func `what is no JSON is refused`(text: String) {
        #expect(throws: JSONReader.Failure.self) { try read(text) }
    }

    @Test func `bytes that are no UTF-8 are refused`() {
        for bytes: [UInt8] in [[34, 0xff, 34], [34, 0xc3, 34], [34, 0xed, 0xa0, 0x80, 34], [34, 0xc0, 0x80, 34]] {
            #expect(throws: JSONReader.Failure.self) { try JSONReader.read(bytes, within: .call) }
        }
    }

    @Test func `depth and number of values have bounds`() throws {
        let bounds = JSONReader.Bounds(depth: 3, values: 10)
        #expect(throws: Never.self) { try read("[[[1]]]", bounds) }
        #expect(throws: JSONReader.Failure.tooDeep) { try read("[[[[1]]]]", bounds) }
        #expect(throws: JSONReader.Failure.tooDeep) { try read(String(repeating: "[", count: 100_000)) }
        #expect(throws: JSONReader.Failure.tooDeep) { try read(String(repeating: #"{"a":"#, count: 100_000)) }
        #expect(throws: Never.self) { try read("[1,2,3,4,5,6,7,8,9]", bounds) }
        #expect(throws: JSONReader.Failure.tooMany) { try read("[1,2,3,4,5,6,7,8,9,10]", bounds) }
        #expect(throws: JSONReader.Failure.tooMany) { try read(#"{"a":1,"b":1,"c":1,"d":1,"e":1}"#, bounds) }
        #expect(throws: JSONReader.Failure.self) { try read(String(repeating: "9", count: 401)) }
    }

    @Test func `every beginning of a text is refused`() {
        let text = Array(#"{"method":"a.B","parameters":{"x":[1.5e3,"\u00e4",true,null]},"more":true}"#.utf8)
        for count in 0..<text.count {
            #expect(throws: JSONReader.Failure.self) { try JSONReader.read(Array(text[..<count]), within: .call) }
        }
    }

    @Test func `messages are found however they come`() throws {
        let bytes: [UInt8] = [1, 2, 0, 0, 3, 0, 4]
        for size in 1...bytes.count {
            var frames = MessageFrames(limit: 2)
            var found: [[UInt8]] = []
            for start in stride(from: 0, to: bytes.count, by: size) {
                try frames.append(bytes[start..<min(bytes.count, start + size)])
                while let message = frames.next() { found.append(message) }
            }
            #expect(found == [[1, 2], [], [3]])
            #expect(frames.count == 1)
        }
    }

    @Test func `a message that is too long is refused before it is held`() throws {
        var frames = MessageFrames(limit: 3)
        try frames.append([1, 2, 3] as [UInt8])
        #expect(throws: MessageFrames.TooLong.self) { try frames.append([4] as [UInt8]) }
        #expect(frames.count == 3)
        var others = MessageFrames(limit: 3)
        #expect(throws: MessageFrames.TooLong.self) { try others.append([0, 1, 2, 3, 4, 0] as [UInt8]) }
        #expect(others.count == 0)
    }
}
