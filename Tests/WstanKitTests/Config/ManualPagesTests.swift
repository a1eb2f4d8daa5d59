import Foundation
import Testing

@testable import WstanConfig

/// Holds the manual pages to each other, and wstan(7) to what it leads to.
@Suite struct ManualPagesTests {
    /// Each page's lines by its name as it is referred to: `wstand 8`.
    private let pages: [String: [String]]

    init() throws {
        let folder = Repository.file("docs/man")
        var pages: [String: [String]] = [:]
        for file in try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil) {
            let name = file.deletingPathExtension().lastPathComponent + " " + file.pathExtension
            pages[name] = try String(contentsOf: file, encoding: .utf8).split(separator: "\n").map(String.init)
        }
        self.pages = pages
    }

    /// What a page refers to with `.Xr` or `.It Xr`, without punctuation behind it.
    private static func references(_ lines: [String]) -> Set<String> {
        Set(
            lines.compactMap { line in
                let words = line.split(separator: " ")
                guard let at = words.firstIndex(of: "Xr"), words.count > at + 2, line.hasPrefix(".") else {
                    guard words.first == ".Xr", words.count > 2 else { return nil }
                    return "\(words[1]) \(words[2])"
                }
                return "\(words[at + 1]) \(words[at + 2])"
            })
    }

    @Test func `each page stands under its own name and section`() {
        for (name, lines) in pages {
            #expect(lines.contains(".Dt \(name.uppercased())"), "\(name)")
        }
    }

    @Test func `a reference to a page of ours leads to one`() {
        for (name, lines) in pages {
            for reference in Self.references(lines) where reference.hasPrefix("wstan") {
                #expect(pages[reference] != nil, "\(name) refers to \(reference)")
            }
        }
    }

    @Test func `every page refers to every other one, so that any of them is a way in`() {
        for (name, lines) in pages {
            #expect(Self.references(lines).filter { $0.hasPrefix("wstan") }.union([name]) == Set(pages.keys), "\(name)")
        }
    }

    @Test func `the overview names the places that the daemon uses by default`() throws {
        let overview = try #require(pages["wstan 7"])
        let places = InstancePlaces(file: "/etc/wstan.conf", variable: { _ in nil })
        for path in [places.stateDirectory, places.controlSocket] {
            #expect(overview.contains(".It Pa \(try #require(path))"))
        }
    }
}
