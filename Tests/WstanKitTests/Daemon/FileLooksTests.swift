import Testing

@testable import WstanBase
@testable import WstanKit

@Suite struct FileLooksTests {
    private let start = Instant.now()

    @Test func `what is found counts for a while, and one looks at a time`() {
        var looks = FileLooks()
        #expect(looks.begin(0, now: start) == true)
        #expect(looks.begin(0, now: start + .seconds(9)) == false)
        looks.end(0, found: true, now: start)
        #expect(looks.haveChanged(since: 0))
        #expect(looks.begin(0, now: start + .milliseconds(999)) == false)
        #expect(looks.begin(0, now: start + .seconds(1)) == true)
        looks.end(0, found: nil, now: start + .seconds(1))
        #expect(looks.haveChanged(since: 0))
    }

    @Test func `what was found before files were read again does not count`() {
        var looks = FileLooks()
        _ = looks.begin(0, now: start)
        looks.end(0, found: true, now: start)
        #expect(!looks.haveChanged(since: 1))
        #expect(looks.begin(1, now: start) == true)
        #expect(!looks.haveChanged(since: 1))
    }

    @Test func `a look that began before files were read again changes nothing`() {
        var looks = FileLooks()
        _ = looks.begin(0, now: start)
        #expect(looks.begin(1, now: start) == true)
        looks.end(0, found: true, now: start)
        #expect(!looks.haveChanged(since: 1))
        #expect(looks.begin(1, now: start) == false)
        looks.end(1, found: true, now: start)
        #expect(looks.haveChanged(since: 1))
        looks.end(0, found: false, now: start)
        #expect(looks.haveChanged(since: 1))
    }
}
