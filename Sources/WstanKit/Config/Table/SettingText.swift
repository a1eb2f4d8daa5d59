/// The effective value of a setting in the words of the file. What must not be shown is not in them, and yet two values
/// that differ only in it are not equal.
struct SettingText: Equatable {
    /// One for each line that the key takes; empty: there is no value.
    let lines: [String]
    private let secrets: [Secret]

    init(_ lines: [String], hiding secrets: [Secret] = []) {
        self.lines = lines
        self.secrets = secrets
    }

    init(_ line: String?) {
        self.init(line.map { [$0] } ?? [])
    }
}

/// What a line of the configuration holds that must not be shown.
struct SettingSecret {
    let text: Secret
    /// False for a header that is not named like one with a token, so that nobody is warned of it.
    let isWorthHiding: Bool

    init(_ text: Secret, isWorthHiding: Bool = true) {
        self.text = text
        self.isWorthHiding = isWorthHiding
    }

    /// It was copied from where secrets are not shown.
    var isPlaceholder: Bool { text.text == Secret.placeholder }
}
