import Foundation

/// The checkout that the tests were built from: some of them read its documents and its sources.
enum Repository {
    /// A file by its path from the root.
    static func file(_ path: String) -> URL { root.appending(path: path) }

    /// This file stands three folders below it.
    private static let root = (0..<4).reduce(URL(filePath: #filePath)) { url, _ in url.deletingLastPathComponent() }
}
