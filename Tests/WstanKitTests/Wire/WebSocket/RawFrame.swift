/// A frame as RFC 6455 section 5.2 draws it, with every field free, so that wrong ones can be made too. It owes nothing
/// to the code it tests.
struct RawFrame {
    enum LengthForm {
        case shortest
        case sixteenBits
        case sixtyFourBits
    }

    var opcode: UInt8
    var payload: [UInt8] = []
    var isFinal = true
    var reserved: UInt8 = 0
    /// The four octets; nil for a frame that is not masked.
    var mask: [UInt8]? = [0x37, 0xfa, 0x21, 0x3d]
    var lengthForm = LengthForm.shortest
    /// What the head claims, if not the truth.
    var claimedLength: UInt64?

    var head: [UInt8] {
        let length = claimedLength ?? UInt64(payload.count)
        let maskBit: UInt8 = mask == nil ? 0 : 0x80
        var bytes = [(isFinal ? 0x80 : 0) | reserved << 4 | opcode]
        switch (lengthForm, length) {
        case (.shortest, 0..<126):
            bytes.append(maskBit | UInt8(length))
        case (.shortest, 126...0xffff), (.sixteenBits, _):
            bytes += [maskBit | 126, UInt8(length >> 8 & 255), UInt8(length & 255)]
        case (.shortest, _), (.sixtyFourBits, _):
            bytes.append(maskBit | 127)
            for shift in stride(from: UInt64(56), through: 0, by: -8) { bytes.append(UInt8(length >> shift & 255)) }
        }
        return bytes + (mask ?? [])
    }

    var bytes: [UInt8] {
        guard let mask else { return head + payload }
        return head + payload.enumerated().map { index, byte in byte ^ mask[index % 4] }
    }
}
