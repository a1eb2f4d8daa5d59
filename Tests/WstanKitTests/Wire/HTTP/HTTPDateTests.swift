import Glibc
import Testing

@testable import WstanCore

/// Against gmtime and timegm of the C library.
@Suite struct HTTPDateTests {
    private static func system(_ seconds: Int64) -> String {
        var time = time_t(seconds)
        var parts = tm()
        gmtime_r(&time, &parts)
        var text = [CChar](repeating: 0, count: 64)
        // The C locale, since nobody has set another.
        strftime(&text, text.count, "%a, %d %b %Y %H:%M:%S GMT", &parts)
        return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    private static func parse(_ text: String) -> Int64? { HTTPDate.parse(Array(text.utf8)) }

    @Test func `the example of RFC 9110`() {
        #expect(HTTPDate.format(784_111_777) == "Sun, 06 Nov 1994 08:49:37 GMT")
        #expect(Self.parse("Sun, 06 Nov 1994 08:49:37 GMT") == 784_111_777)
    }

    @Test func `every day around the turns of years that leap or do not`() {
        for year in [1970, 1972, 1999, 2000, 2001, 2024, 2025, 2026, 2099, 2100, 2101, 2400, 9999] {
            var parts = tm()
            parts.tm_year = Int32(year - 1900)
            parts.tm_mday = 1
            let start = Int64(timegm(&parts))
            for day in 0..<366 as Range<Int64> {
                let seconds = start + day * 86_400 + day * 229
                let text = HTTPDate.format(seconds)
                if text != Self.system(seconds) { Issue.record("\(text)") }
                if year < 9999 || day < 365, Self.parse(text) != seconds { Issue.record("\(text) is read wrong") }
            }
        }
    }

    @Test func `random seconds of three centuries, also before the epoch`() {
        var random = SeededRandomness(seed: 21)
        for _ in 0..<5000 {
            let seconds = Int64(random.below(10_000_000_000)) - 2_000_000_000
            let text = HTTPDate.format(seconds)
            if text != Self.system(seconds) { Issue.record("\(seconds): \(text)") }
            if Self.parse(text) != (seconds >= 0 ? seconds : nil) { Issue.record("\(text) is read wrong") }
        }
    }

    @Test(arguments: [
        "", "Sun, 06 Nov 1994 08:49:37 UTC", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
        "Sun, +6 Nov 1994 08:49:37 GMT", "Sun, 06 Nov +994 08:49:37 GMT", "Sun, 06 Nov 1994 +8:49:37 GMT",
        "Sun, 06 Nov 1994 8:x:49:3 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT", "Sun, 32 Nov 1994 08:49:37 GMT", "Sun, 31 Nov 1994 08:49:37 GMT",
        "Tue, 29 Feb 2023 08:49:37 GMT",
        "Sun, 06 nov 1994 08:49:37 GMT", "Sun, 06 Nov 1969 08:49:37 GMT", "Sun, 06 Nov 1994 24:49:37 GMT",
        "Sun, 06 Nov 1994 08:60:37 GMT",
        "Sun, 06 Nov 1994 08:49:61 GMT", "Sun, 06 Nov 1994 08:49:-1 GMT", "Sun, 06 Nov 1994 08:4:937 GMT",
        "Sun, 06 Nov 1994  08:49:37GMT",
    ])
    func `what has another form, or is no day, is no date`(text: String) {
        #expect(Self.parse(text) == nil)
    }

    @Test func `a leap second is the next minute's first`() {
        #expect(Self.parse("Sat, 31 Dec 2016 23:59:60 GMT") == Self.parse("Sun, 01 Jan 2017 00:00:00 GMT"))
    }

    @Test func `mutated dates never trap, and what is read is written alike`() {
        var random = SeededRandomness(seed: 22)
        for _ in 0..<10_000 {
            let text = Mutation.of(Array("Sun, 06 Nov 1994 08:49:37 GMT".utf8), &random)
            guard let seconds = HTTPDate.parse(text) else { continue }
            // The name of the day says nothing that the rest does not, so it is not looked at.
            if !HTTPDate.format(seconds).utf8.dropFirst(4).elementsEqual(text.dropFirst(4)) {
                Issue.record("\(String(decoding: text, as: UTF8.self))")
            }
        }
    }
}
