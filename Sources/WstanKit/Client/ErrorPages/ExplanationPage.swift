import WstanBase

/// An explanation as an answer in HTTP: a page for browsers, a line for everybody else.
struct ExplanationPage {
    let explanation: Explanation
    /// The stations of the way, the person first; the link behind `broken` is the broken one.
    let stations: [String]
    let broken: Int?

    /// - Parameters:
    ///   - target: nil when the request did not get so far.
    ///   - hasProxy: whether there is a proxy between client and server.
    init(_ explanation: Explanation, target: Address?, hasProxy: Bool) {
        self.explanation = explanation
        let between = explanation.hop == .clientToTarget ? [] : (hasProxy ? ["proxy"] : []) + ["wstan server"]
        stations = ["You", "wstan client"] + between + ["\(target?.description ?? "")"]
        broken =
            switch explanation.hop {
            case .clientToProxy: 1
            case .clientToServer: hasProxy ? 2 : 1
            case .serverToTarget: hasProxy ? 3 : 2
            case .clientToTarget: 1
            case nil: nil
            }
    }

    /// The whole answer.
    ///
    /// - Parameters:
    ///   - toHEAD: whether it answers a HEAD request.
    ///   - closing: whether the connection ends with it.
    func answer(asHTML: Bool, toHEAD: Bool, closing: Bool) -> [UInt8] {
        let body = Array((asHTML ? html : explanation.line + "\n").utf8)
        let line = "HTTP/1.1 \(explanation.status) \(explanation.reason)"
        var head = MessageHead(firstLine: Array(line.utf8))
        head.add("Content-Type", asHTML ? "text/html; charset=utf-8" : "text/plain; charset=utf-8")
        head.add("Content-Length", "\(body.count)")
        if explanation.status == 407 { head.add("Proxy-Authenticate", ProxyAuthorization.challenge) }
        // It is about this moment, and stands at the address of something else.
        head.add("Cache-Control", "no-store")
        head.add("X-Content-Type-Options", "nosniff")
        if asHTML {
            head.add(
                "Content-Security-Policy",
                "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
                    + "frame-ancestors 'none'")
            head.add("Referrer-Policy", "no-referrer")
        }
        if closing { head.add("Connection", "close") }
        head.endLine()
        return toHEAD ? head.bytes : head.bytes + body
    }

    // MARK: HTML

    var html: String {
        """
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <title>\(Self.escaped(explanation.title))</title>
        <style>
        \(Self.style)
        </style>
        </head>
        <body>
        <main>
        <h1>\(Self.escaped(explanation.title))</h1>
        <p class="cause">\(Self.escaped(explanation.cause))</p>
        \(quote)\(way)<h2>What to do</h2>
        <ul>
        \(explanation.advice.map { "<li>\(Self.withCode($0))</li>" }.joined(separator: "\n"))
        </ul>
        <footer>\(explanation.status) \(explanation.reason) &middot; This page is from your wstan client, not the website</footer>
        </main>
        </body>
        </html>

        """
    }

    private var quote: String {
        explanation.quote.map { "<blockquote>\(Self.escaped($0))</blockquote>\n" } ?? ""
    }

    private var way: String {
        guard let broken else { return "" }
        var items = ""
        for (number, station) in stations.enumerated() {
            let state = number <= broken ? "reached" : "lost"
            items += "<li class=\"\(state)\"><span>\(Self.escaped(station))</span></li>\n"
            guard number + 1 < stations.count else { break }
            let link = number < broken ? "link" : number == broken ? "link broken" : "link lost"
            items += "<li class=\"\(link)\" aria-label=\"\(number == broken ? "broken here" : "")\"></li>\n"
        }
        return "<ol class=\"way\">\n\(items)</ol>\n"
    }

    static func escaped(_ text: String) -> String {
        var escaped = ""
        for character in text.unicodeScalars {
            switch character {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            case "'": escaped += "&#39;"
            default: escaped.unicodeScalars.append(character)
            }
        }
        return escaped
    }

    private static func withCode(_ text: String) -> String {
        let parts = escaped(text).split(separator: "`", omittingEmptySubsequences: false)
        return parts.enumerated().map { $0.isMultiple(of: 2) ? String($1) : "<code>\($1)</code>" }.joined()
    }

    private static let style = """
        :root { color-scheme: light dark; --ground: #f4f5f7; --card: #fff; --ink: #1c2330; --soft: #5c6675;
          --line: #c3cad4; --good: #2f7d5b; --bad: #c8372d; --code: #eef0f3; }
        @media (prefers-color-scheme: dark) { :root { --ground: #14171c; --card: #1d2128; --ink: #e6e9ee;
          --soft: #9aa4b2; --line: #434b57; --good: #58b48a; --bad: #ff7a6e; --code: #2a303a; } }
        * { box-sizing: border-box; }
        body { margin: 0; padding: 8vh 1rem 2rem; background: var(--ground); color: var(--ink);
          font: 1rem/1.55 system-ui, sans-serif; }
        main { max-width: 44rem; margin: 0 auto; padding: 2rem 2.25rem 1.5rem; background: var(--card);
          border: 1px solid var(--line); border-radius: .75rem; overflow-wrap: anywhere; }
        h1 { margin: 0; font-size: 1.6rem; line-height: 1.25; }
        h2 { margin: 1.75rem 0 .25rem; font-size: 1rem; }
        .cause { margin: .5rem 0 0; font-size: 1.05rem; color: var(--soft); }
        blockquote { margin: 1rem 0 0; padding: .6rem .9rem; border-left: 3px solid var(--bad);
          background: var(--code); font-family: ui-monospace, monospace; font-size: .9rem; }
        .way { display: flex; align-items: center; list-style: none; margin: 1.75rem 0 0; padding: 0; }
        .way span { display: block; padding: .35rem .7rem; border: 1.5px solid var(--good); border-radius: 2rem;
          font-size: .875rem; line-height: 1.3; text-align: center; }
        .way li:not(.link, :last-child) { flex: none; white-space: nowrap; }
        .way li:last-child { min-width: 0; }
        .way .lost span { border-color: var(--line); color: var(--soft); }
        .link { flex: 1 0 1.25rem; height: 0; border-top: 2px solid var(--good); position: relative; }
        .link.lost { border-color: var(--line); }
        .link.broken { flex-grow: 2; min-width: 3rem; border-top: 2px dashed var(--bad); }
        .link.broken::after { content: "\\2715"; position: absolute; left: 50%; top: -1px; width: 1.5rem;
          height: 1.5rem; transform: translate(-50%, -50%); border-radius: 50%; background: var(--bad);
          color: var(--card); font: bold .8rem/1.5rem system-ui, sans-serif; text-align: center; }
        ul { margin: 0; padding-left: 1.2rem; }
        li { margin: .3rem 0; }
        .way li { margin: 0; }
        code { padding: .1rem .35rem; border-radius: .3rem; background: var(--code); font-size: .9em;
          font-family: ui-monospace, monospace; -webkit-box-decoration-break: clone; box-decoration-break: clone; }
        footer { margin-top: 1.75rem; padding-top: .9rem; border-top: 1px solid var(--line); font-size: .8rem;
          color: var(--soft); }
        @media (max-width: 40rem) {
          body { padding-top: 1rem; }
          main { padding: 1.4rem 1.25rem 1.1rem; }
          .way { flex-direction: column; }
          .link { flex: none; height: 1.4rem; min-width: 0; border-top: 0; border-left: 2px solid var(--good); }
          .link.broken { height: 2.6rem; min-width: 0; border-top: 0; border-left: 2px dashed var(--bad); }
          .link.broken::after { left: -1px; top: 50%; }
        }
        """
}
