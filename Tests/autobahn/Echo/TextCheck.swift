/// Whether bytes that come in pieces are UTF-8 (RFC 3629), told at the first byte that cannot be.
struct TextCheck {
    /// How many more bytes the character wants, and what the next one may be.
    private var wanted = 0
    private var next: ClosedRange<UInt8> = 0x80...0xbf

    mutating func accepts(_ piece: UnsafeRawBufferPointer, isLast: Bool) -> Bool {
        for byte in piece {
            if wanted > 0 {
                guard next.contains(byte) else { return false }
                wanted -= 1
                next = 0x80...0xbf
            } else {
                guard begins(with: byte) else { return false }
            }
        }
        return !isLast || wanted == 0
    }

    /// The table of section 4: what is overlong, a surrogate or beyond the last plane shows in the second byte.
    private mutating func begins(with byte: UInt8) -> Bool {
        switch byte {
        case 0x00...0x7f: return true
        case 0xc2...0xdf: wanted = 1
        case 0xe0...0xef: wanted = 2
        case 0xf0...0xf4: wanted = 3
        default: return false
        }
        next =
            switch byte {
            case 0xe0: 0xa0...0xbf
            case 0xed: 0x80...0x9f
            case 0xf0: 0x90...0xbf
            case 0xf4: 0x80...0x8f
            default: 0x80...0xbf
            }
        return true
    }
}
