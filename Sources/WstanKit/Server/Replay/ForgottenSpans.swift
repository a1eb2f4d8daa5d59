/// Times whose requests are refused, since it is not known any more which of them were seen. A value; bounded.
///
/// A clock that is set back, at once or over a restart, comes to such a time again. A clock that is right never does: a request
/// is forgotten when its time has passed. Spans, and not one mark: a clock that was years ahead for a while leaves a span there,
/// and not a mark that keeps every client out for years.
struct ForgottenSpans: Equatable, Sendable {
    /// In units, both ends included; see `ReplayMemory.unit`.
    typealias Span = ClosedRange<Int64>

    /// Beyond it the two earliest become one: what lies between them is past.
    static let capacity = 16
    /// Spans become one when the later begins at most this many units behind the end of the earlier: with five between them.
    private static let reach: Int64 = 6

    /// In order, with gaps between them.
    private(set) var spans: [Span] = []

    init(_ spans: [Span] = []) {
        for span in spans { insert(span) }
    }

    mutating func insert(_ span: Span) {
        var lower = span.lowerBound
        var upper = span.upperBound
        let nearby = spans.indices.filter {
            Self.distance(spans[$0].upperBound, lower) <= Self.reach && Self.distance(upper, spans[$0].lowerBound) <= Self.reach
        }
        if let first = nearby.first, let last = nearby.last {
            // Mostly it is in there.
            if first == last, spans[first].contains(lower), spans[first].contains(upper) { return }
            lower = min(lower, spans[first].lowerBound)
            upper = max(upper, spans[last].upperBound)
            spans.replaceSubrange(first...last, with: [lower...upper])
        } else {
            spans.insert(span, at: spans.firstIndex { $0.lowerBound > upper } ?? spans.endIndex)
        }
        guard spans.count > Self.capacity else { return }
        spans.replaceSubrange(0...1, with: [spans[0].lowerBound...spans[1].upperBound])
    }

    mutating func insert(_ others: ForgottenSpans) {
        for span in others.spans { insert(span) }
    }

    func contains(_ unit: Int64) -> Bool { span(with: unit) != nil }

    func span(with unit: Int64) -> Span? { spans.last { $0.contains(unit) } }

    /// How far `b` is above `a`; clamped, since both may come from a file.
    private static func distance(_ a: Int64, _ b: Int64) -> Int64 {
        let (difference, overflows) = b.subtractingReportingOverflow(a)
        return overflows ? (b < 0 ? .min : .max) : difference
    }
}
