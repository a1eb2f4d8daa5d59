import WstanBase

/// Text that no log, dump or core and no `--print-config` shows.
public struct Secret: Sendable, Equatable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    private let bytes: SecretBytes

    public init(_ text: String) {
        bytes = SecretBytes(Array(text.utf8))
    }

    /// The text itself, a copy: read it only to derive the key, or to hand it out, while `Erasure` erases what is let go of.
    public var text: String { bytes.withBytes { String(decoding: $0, as: UTF8.self) } }

    /// What is shown in its place.
    static let placeholder = "(redacted)"

    public var description: String { Self.placeholder }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: EmptyCollection<Mirror.Child>()) }
}

/// The words of a command line, which may hold a key. No word has a NUL.
public struct SecretArguments: Sendable {
    private let joined: Secret

    public init(_ words: [String]) {
        joined = Secret(words.map { $0 + "\0" }.joined())
    }

    /// A copy, as of `Secret.text`.
    package var words: [String] {
        joined.text.utf8.split(separator: 0, omittingEmptySubsequences: false).dropLast().map { String($0) ?? "" }
    }
}
