/// Words for a command line that is pasted.
enum Shell {
    /// As one word that the shell leaves alone.
    static func quoted(_ word: String) -> String {
        "'" + word.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }

    /// Quoted only where it must be.
    static func word(_ word: String) -> String {
        let isPlain =
            !word.isEmpty
            && word.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"):
                    true
                default: "-_./:@%+=,[]".utf8.contains(byte)
                }
            }
        // What stands in brackets would be taken for a pattern by some shells.
        return isPlain && !word.utf8.contains(UInt8(ascii: "[")) ? word : quoted(word)
    }
}
