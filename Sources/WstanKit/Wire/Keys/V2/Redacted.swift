/// A key: texts and mirrors show nothing of it.
protocol Redacted: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {}

extension Redacted {
    var description: String { "<key>" }
    var debugDescription: String { "<key>" }
    var customMirror: Mirror { Mirror(self, children: []) }
}
