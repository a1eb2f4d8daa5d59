import Testing

@testable import WstanBase
@testable import WstanKit

@Suite struct FindingReportTests {
    private static let good = Finding.ok("key", "it is there")
    private static let odd = Finding.warning("clock", "it is late", remedy: "set it")

    @Test func `a finding is one line, and its remedy an indented one`() {
        var report = FindingReport(isColoured: false)
        #expect(report.lines(for: Self.good) == "ok       key: it is there\n")
        #expect(report.lines(for: Self.odd) == "warning  clock: it is late\n         -> set it\n")
        #expect(
            report.lines(for: .failed(.other, "TLS", "no", remedy: "go")) == "FAILED   TLS: no\n         -> go\n")
    }

    @Test func `on a terminal only the first word has a colour`() {
        var report = FindingReport(isColoured: true)
        #expect(report.lines(for: Self.good) == "\u{1B}[32mok\u{1B}[0m       key: it is there\n")
        #expect(report.lines(for: Self.odd).hasPrefix("\u{1B}[33mwarning\u{1B}[0m  clock"))
        #expect(report.lines(for: .failed(.reach, "a", "b")).hasPrefix("\u{1B}[31;1mFAILED\u{1B}[0m   a: b"))
    }

    /// A server's words stand in findings.
    @Test func `what came from elsewhere forges no line and moves no cursor`() {
        var report = FindingReport(isColoured: false)
        let text = report.lines(for: .warning("a", "b\nok  c\u{1B}[2J\u{9B}1m", remedy: "d\r\ne\u{7F}"))
        #expect(text == "warning  a: b?ok  c?[2J?1m\n         -> d??e?\n")
    }

    @Test func `the exit status names what has to be corrected first`() {
        func status(_ findings: Finding...) -> Int32 {
            var report = FindingReport(isColoured: false)
            for finding in findings { _ = report.lines(for: finding) }
            return report.exitStatus
        }
        let configuration = Finding.failed(.configuration, "a", "b")
        let reach = Finding.failed(.reach, "a", "b")
        let other = Finding.failed(.other, "a", "b")
        #expect(status() == 0)
        #expect(status(Self.good, Self.odd) == 0)
        #expect(status(other, Self.good) == 1)
        #expect(status(other, reach) == 69)
        #expect(status(other, reach, configuration, Self.odd) == 78)
    }

    @Test func `the last line says how it stands, and what was looked at`() {
        var report = FindingReport(isColoured: false)
        #expect(report.summary == "All is well: this and that.\n")
        report.isRunning = true
        #expect(report.summary == "All is well: this and that.\n")
        report.isRunning = false
        #expect(report.summary == "wstand is not running. Checked without a failure: this and that.\n")
        report.isRunning = nil
        _ = report.lines(for: Self.odd)
        #expect(report.summary.contains("one warning"))
        _ = report.lines(for: Self.odd)
        #expect(report.summary.contains("2 warnings"))
        _ = report.lines(for: .failed(.other, "a", "b"))
        #expect(report.summary == "Problems found. Fix the first FAILED line first.\n")
    }

    @Test(arguments: [
        (Duration.zero, "0.1 ms"), (.microseconds(99), "0.1 ms"), (.microseconds(140), "0.1 ms"),
        (.microseconds(9960), "10 ms"), (.microseconds(2500), "2.5 ms"), (.milliseconds(12), "12 ms"),
        (.milliseconds(999), "999 ms"), (.milliseconds(1960), "2 s"), (.milliseconds(1260), "1.3 s"),
        (.seconds(10), "10 s"),
    ])
    func `a duration is said as a person says it`(duration: Duration, text: String) {
        #expect(HumanText.duration(duration) == text)
    }

    @Test(arguments: [
        (0, "0 seconds"), (-1.5, "1 second"), (119, "119 seconds"), (179.5, "3 minutes"), (-7199, "120 minutes"),
        (7200, "2 hours"), (172_800, "2 days"), (1e300, "11574074074 days"), (.nan, "0 seconds"),
        (-.infinity, "0 seconds"),
    ])
    func `a difference of clocks is too, whatever it is`(seconds: Double, text: String) {
        #expect(HumanText.seconds(seconds) == text)
    }
}

extension FindingReport {
    fileprivate init(isColoured: Bool) {
        self.init(isColoured: isColoured, examined: "this and that")
    }
}
