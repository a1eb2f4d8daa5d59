import Testing

@testable import WstanCore

@Suite struct ForgottenSpansTests {
    @Test func `what was inserted is contained, whatever the order, and the spans stay few`() {
        for seed in 0..<50 {
            var random = SeededRandomness(seed: UInt64(seed))
            var spans = ForgottenSpans()
            var model: Set<Int64> = []
            for _ in 0..<200 {
                let lower = Int64(random.below(20_000)) - 5000
                let upper = lower + Int64(random.below(4))
                spans.insert(lower...upper)
                model.formUnion(lower...upper)
                #expect(spans.spans.count <= ForgottenSpans.capacity)
                #expect(zip(spans.spans, spans.spans.dropFirst()).allSatisfy { $0.upperBound < $1.lowerBound })
            }
            #expect(model.allSatisfy { spans.contains($0) }, "seed \(seed)")
            #expect(!spans.contains(model.max().map { $0 + 1 } ?? 0), "nothing above what was inserted")
        }
    }

    @Test func `time that passes is one span, and one far ahead is another`() {
        var spans = ForgottenSpans([5_000_000...5_000_001])
        for unit in Int64(100)..<500 { spans.insert(unit...unit) }
        #expect(spans.spans == [100...499, 5_000_000...5_000_001])
        spans.insert(499...505)
        #expect(spans.spans == [100...505, 5_000_000...5_000_001])
    }

    @Test func `use now and then leaves spans that are past, and none that is to come`() {
        var spans = ForgottenSpans([90_000...90_001])
        for unit in stride(from: Int64(0), to: 80_000, by: 400) { spans.insert(unit...unit) }
        #expect(spans.spans.count == ForgottenSpans.capacity)
        #expect(!spans.contains(79_700) && spans.contains(90_000))
    }

    @Test func `numbers of a file that somebody else has written trap nothing`() {
        let ends: [Int64] = [.min, .min + 1, -1, 0, 1, .max - 1, .max]
        for lower in ends {
            for upper in ends where upper >= lower {
                for other in ends {
                    let spans = ForgottenSpans([lower...upper, other...other])
                    #expect(spans.contains(lower) && spans.contains(upper) && spans.contains(other))
                }
            }
        }
    }
}
