@testable import WstanBase
@testable import WstanCore

extension FuzzTarget {
    /// A user agent that names text/html, and does not rule it out, gets a page, however it writes that.
    static let acceptance = FuzzTarget(
        "acceptance",
        seeds: [
            [0, 1, 0, 0, 3, 4, 1, 2, 0, 2, 1, 0, 0], [0, 2, 5, 1, 1, 3, 1, 7, 9],
            Array("\u{1}text/html;q=0.5,*/*".utf8),
        ],
        maxLength: 256
    ) { input in
        guard !input.flag() else {
            let head = try? HTTPHead(Array("GET / HTTP/1.1\r\nAccept: ".utf8) + input.rest() + [13, 10, 13, 10])
            if let head { _ = AcceptHeader(head).takesHTML }
            return
        }
        let types = ["text/html", "*/*", "text/*", "application/xhtml+xml", "xtext/html", "text/htmlx", "TEXT/Html"]
        let weights = ["", ";q=1", ";q=0", ";q=0.", ";q=0.000", ";q=0.001", ";level=1", ";Q=0.0", ";q=0.5;x=q=0"]
        var text = "GET / HTTP/1.1\r\nAccept: "
        var expected = false
        for _ in 0..<input.below(20) {
            let type = input.choice(of: types)
            let weight = input.choice(of: weights)
            let between = input.choice(of: [",", ", ", " ,\t", ",,", "\r\naccept: "])
            let blank = input.choice(of: ["", " ", "\t "])
            text += type + weight.split(separator: ";").map { blank + ";" + blank + $0 }.joined() + between
            let isZero = [";q=0", ";q=0.", ";q=0.000", ";q=0.0"].contains(weight.lowercased())
            if type.lowercased() == "text/html", !isZero { expected = true }
        }
        guard let head = try? HTTPHead(Array((text + "\r\n\r\n").utf8)) else {
            fatalError("broken promise: \(text) is a head")
        }
        require(AcceptHeader(head).takesHTML == expected, "\(text) is understood")
    }

    /// Whatever a server, a proxy or a user agent has said: an answer with its exact length and no field of theirs, a
    /// page with no markup of theirs, a line that is one.
    static let explanation = FuzzTarget(
        "explanation",
        seeds: [
            Array("<script>alert(\"1\")</script>&amp;`x`★</li><b>".utf8),
            Array("wstan: forbidden\r\nSet-Cookie: a=b".utf8),
            Array("can't connect★\u{202e}<h1>\r\n\r\nHTTP/1.1 200".utf8), Array("x&y'z★Connection refused".utf8),
            Array("http://a&b';$[`\"<x>:80/".utf8), Array("ß\u{301}&lt;<!--".utf8),
        ].enumerated().flatMap { number, text in (0..<6).map { [UInt8(number * 9), $0, 7, 3] + text } }
    ) { input in
        let flags = input.byte()
        let kind = input.below(6)
        let status = Int(input.integer(UInt16.self))
        let bytes = input.rest()
        let text = String(decoding: bytes, as: UTF8.self)
        // A host is what the reader of targets and the reader of hosts let through.
        let host = (try? AbsoluteTarget(bytes[...])).flatMap { Host(text: $0.host) } ?? .name("example.com")
        let target = flags & 1 == 1 ? nil : Address(host: host, port: 80)
        var answer = UpgradeAnswer(status: status)
        answer.clockAhead = Double(bytes.count * 1000 - status)
        let failure: ExchangeFailure =
            switch kind {
            case 0: .reset(bytes.withBytes { Reset.read($0) })
            case 1: .reset(.forbidden(key: text))
            case 2: .reset(.unreachable(Address(host: host, port: 1), text))
            case 3:
                .dial(
                    .proxyRefused(status == 407 ? .otherSchemes(["NTLM"], reason: text) : .status(status, reason: text))
                )
            case 4: .dial(.refused(answer))
            default:
                [
                    .lost, .unreadableAnswer(.length(Printable.ascii(bytes))), .request(.meantForServer),
                    .request(.unreadable(.field(Printable.ascii(bytes)))),
                ][Int(flags >> 6)]
            }
        let explanation = failure.explanation(of: target, here: "127.0.0.1:1080")
        let page = ExplanationPage(explanation, target: target, hasProxy: flags & 2 == 2)
        for (asHTML, toHEAD) in [(true, false), (false, false), (true, true), (false, true)] {
            let closing = flags & 4 == 4
            checkAnswer(
                page.answer(asHTML: asHTML, toHEAD: toHEAD, closing: closing),
                body: asHTML ? page.html : explanation.line + "\n", status: explanation.status, toHEAD: toHEAD,
                fields: (asHTML ? 6 : 4) + (closing ? 1 : 0))
        }
        require(explanation.line.utf8.allSatisfy { $0 >= 32 && $0 != 127 }, "a line is one")
        require((explanation.quote ?? "").unicodeScalars.count <= 300, "a quote is short")
        checkMarkup(page.html, of: explanation)
    }

    private static func checkAnswer(_ answer: [UInt8], body: String, status: Int, toHEAD: Bool, fields: Int) {
        var gatherer = HeadGatherer(limit: 4096, as: .answer)
        guard let head = try? answer.withBytes({ (all) throws(HTTPHead.Failure) in try gatherer.append(all) }) else {
            fatalError("broken promise: an answer has a head")
        }
        require(head.status == status && (400...599).contains(status), "an answer of failure")
        require(head.allFields.count == fields, "no field of anybody else")
        let length = head.value(of: "Content-Length").map { String(decoding: $0, as: UTF8.self) }
        require(length == String(body.utf8.count), "the exact length")
        require(Array(gatherer.rest) == (toHEAD ? [] : Array(body.utf8)), "and that much follows")
    }

    /// Every tag and every entity is ours, and as often as the explanation needs it.
    private static func checkMarkup(_ html: String, of explanation: Explanation) {
        let parts = html.utf8.split(separator: UInt8(ascii: "<"), omittingEmptySubsequences: false).dropFirst()
        var count: [String: Int] = [:]
        for part in parts {
            guard let end = part.firstIndex(of: UInt8(ascii: ">")) else { return require(false, "a tag ends") }
            count[String(decoding: part[..<end], as: UTF8.self), default: 0] += 1
            let text = part[part.index(after: end)...]
            require(!text.contains(UInt8(ascii: ">")), "no bare > in a text")
            // Within the style a child combinator would be one, too; it has none.
            require(!text.contains(UInt8(ascii: "\"")) || part.starts(with: "style".utf8), "no bare quote in a text")
        }
        require(Set(count.keys).isSubset(of: ownTags), "ours: \(Set(count.keys).subtracting(ownTags))")
        for (tag, expected) in [
            ("h1", 1), ("title", 1), ("style", 1), ("ul", 1), ("li", explanation.advice.count), ("main", 1),
            ("blockquote", explanation.quote == nil ? 0 : 1),
        ] {
            require(count[tag, default: 0] == expected && count["/" + tag, default: 0] >= expected, "so many \(tag)")
        }
        require(count["code"] == count["/code"], "what begins as code ends")
        let entities = html.utf8.split(separator: UInt8(ascii: "&"), omittingEmptySubsequences: false).dropFirst()
        let own = ["amp;", "lt;", "gt;", "quot;", "#39;", "middot;"]
        require(entities.allSatisfy { entity in own.contains { entity.starts(with: $0.utf8) } }, "no bare &")
    }

    /// Of explanations in which nobody else has a say.
    private static let ownTags: Set<String> = {
        var tags: Set<String> = []
        for hop in [nil, Explanation.Hop.clientToProxy, .clientToServer, .serverToTarget] {
            let own = Explanation(502, "title", "cause", advice: ["`code`"], hop: hop, quoting: "quote")
            for hasProxy in [true, false] {
                let html = ExplanationPage(own, target: nil, hasProxy: hasProxy).html
                for part in html.split(separator: "<") { tags.insert(String(part.prefix { $0 != ">" })) }
            }
        }
        return tags
    }()
}
