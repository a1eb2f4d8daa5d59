@testable import WstanBase
@testable import WstanCore

extension FuzzTarget {
    /// Plaintexts of a peer that has the keys: what is read is written, and reads the same again.
    static let messageV2 = FuzzTarget(
        "message-v2",
        seeds: [
            [0x80, 0, 5, 0, 0, 0, 0, 0], [1, 104, 105], [0x82, 0, 2, 98, 1, 2], [3, 0, 5, 110, 111], [8, 20, 98],
            [9, 0, 0, 0, 0, 0, 0, 1, 0, 0],
            [4, 0, 26, 0, 16, 0, 22] + [UInt8](repeating: 7, count: 22) + [0, 65],
            [4, 0, 20, 0, 0x18, 0, 6, 4, 24, 10, 8, 0, 2, 0, 0x1a, 0, 2, 5, 120, 0x80, 0x1f, 0, 0, 0],
            [0x0b, 0, 10, 1, 127, 0, 0, 1, 0, 53, 1, 2, 3, 0, 5, 3, 1, 97, 0, 53], [0x0c, 0, 2, 69, 0, 0, 0],
            [0x0a, 0, 0, 0, 0, 0, 2, 0, 0, 1],
            [0x0d, 1, 2, 3, 4, 5, 6, 7, 8, 2], [0x10, 0, 0, 3, 1, 97, 0, 80, 71],
            [0x10, 0, 4, 0, 0x1f, 0, 0, 5, 2, 47, 97],
            [0x11, 0, 4, 0, 0x1d, 0, 0, 0, 0, 8, 1, 1, 1, 1, 1, 0, 53, 9],
            [0x14, 0, 23, 0, 0x14, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0x15, 0, 7, 1, 127, 0, 0, 1, 0, 80, 0],
            [0x1f, 0, 0, 0], [0x55, 1],
        ], maxLength: 4096
    ) { input in
        let bytes = input.rest()
        bytes.withUnsafeBytes { plaintext in
            guard let message = try? MessageV2.read(plaintext) else { return }
            require(MessageType(byte: bytes[0] & 0x7f) == message.type, "the first byte is the type")
            let written = message.encoded()
            written.withUnsafeBytes { again in
                guard let second = try? MessageV2.read(again) else { return require(false, "what is written is read") }
                // Text that was not UTF-8 is longer when it was repaired; all else comes out as it went in.
                require(second.encoded() == written, "and means the same")
            }
            if case .request(let request) = message { _ = RequestRules().refusal(of: request) }
        }
    }

    /// Records of a peer that has the keys, and of others, in frames of any size: the same messages however they come, nothing that
    /// was not sealed, and no more held than a record.
    static let recordsV2 = FuzzTarget(
        "records-v2",
        seeds: [
            [0, 3, 1, 9, 0, 0, 3, 1, 65, 66, 0, 1, 7, 0, 2, 2, 67], [3, 1, 1, 1, 1, 0, 3, 1, 65, 66, 0, 3, 0x81, 0, 0],
            [1, 200, 3, 50, 0, 2, 9, 1, 1, 1, 1, 0, 2, 1, 1], [2, 0, 0, 5, 5, 3, 2, 1, 65, 4, 5, 5, 5, 5, 5, 5],
        ], maxLength: 4096
    ) { input in
        let cipher = input.choice(of: AEADCipher.allCases.map { RecordCipher.sealed($0) } + [.none])
        let cuts = input.cuts()
        let sealed = Epoch(cipher: cipher, chain: SecretBytes([UInt8](0..<32)))
        var stream: [UInt8] = []
        var records = 0
        var isSpoilt = false
        while !input.isOver {
            let kind = input.below(5)
            let plaintext = input.take(Int(input.byte()))
            var record = plaintext + [UInt8](repeating: 0, count: cipher.tagSize)
            switch kind {
            case 0, 1, 2:
                record.withUnsafeMutableBytes { sealed.seal($0, plaintextLength: plaintext.count) }
                if !isSpoilt { records += 1 }
                // A REKEY: the next one is of the next epoch.
                if let type = plaintext.first, type & 0x7f == 7 { sealed.begin() }
            case 3:
                record.withUnsafeMutableBytes { sealed.seal($0, plaintextLength: plaintext.count) }
                record[record.count > 1 ? input.below(min(record.count, 256)) : 0, default: 0] ^= 1
                isSpoilt = isSpoilt || cipher != .none
            default:
                isSpoilt = isSpoilt || cipher != .none
            }
            stream += FuzzFrames.message(record, cuts)
        }
        let whole = FuzzFrames.transcript(of: stream, cipher, .none)
        require(whole == FuzzFrames.transcript(of: stream, cipher, cuts), "the same in pieces")
        require(whole == FuzzFrames.transcript(of: stream, cipher, .everywhere), "the same byte by byte")
        require(cipher == .none || whole.count <= records, "nothing that was not sealed")
    }
}

private enum FuzzFrames {
    /// A WebSocket message in fragments, as a server sends it.
    static func message(_ payload: [UInt8], _ cuts: Cuts) -> [UInt8] {
        let pieces = cuts.pieces(of: payload)
        return pieces.enumerated().flatMap { number, piece -> [UInt8] in
            let isFinal: UInt8 = number == pieces.count - 1 ? 0x80 : 0
            let first = isFinal | (number == 0 ? Opcode.binary.rawValue : 0)
            let count = piece.count
            return (count < 126 ? [first, UInt8(count)] : [first, 126, UInt8(count >> 8), UInt8(count & 255)]) + piece
        }
    }

    /// The plaintexts of all messages before the first fault.
    static func transcript(of stream: [UInt8], _ cipher: RecordCipher, _ cuts: Cuts) -> [[UInt8]] {
        var reader = FrameReader(role: .client)
        let assembler = RecordAssembler()
        let opener = RecordOpener(Epoch(cipher: cipher, chain: SecretBytes([UInt8](0..<32))))
        var messages: [[UInt8]] = []
        for piece in cuts.pieces(of: stream) {
            var piece = piece
            let goesOn = piece.withUnsafeMutableBytes { bytes -> Bool in
                var offset = 0
                while true {
                    do {
                        guard let event = try reader.next(in: bytes, from: &offset) else { return true }
                        guard case .payload(let range, let isText, let endsMessage) = event else { continue }
                        let record = try assembler.take(
                            UnsafeMutableRawBufferPointer(rebasing: bytes[range]), isText: isText,
                            fragments: reader.fragments,
                            endsMessage: endsMessage)
                        require(assembler.heldBytes <= LimitsV2.record, "what is held has a bound")
                        if let record { messages.append(try opener.open(record).encoded()) }
                    } catch {
                        return false
                    }
                }
            }
            guard goesOn else { break }
        }
        return messages
    }
}

extension [UInt8] {
    /// An index behind the end changes nothing.
    fileprivate subscript(index: Int, default value: UInt8) -> UInt8 {
        get { indices.contains(index) ? self[index] : value }
        set { if indices.contains(index) { self[index] = newValue } }
    }
}
