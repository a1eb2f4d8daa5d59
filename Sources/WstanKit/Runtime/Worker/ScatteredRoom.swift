/// Room in a worker's scratch for pieces of one size, with a gap between them for what is put around each of them on
/// its way out. As with all of the scratch, the running task owns it until its next `await`.
package struct ScatteredRoom {
    let start: UnsafeMutableRawPointer
    /// Of a piece.
    let size: Int
    /// From the beginning of a piece to that of the next.
    let stride: Int
    /// Of pieces, at least one.
    let count: Int

    var first: UnsafeMutableRawBufferPointer { self[0] }

    subscript(piece: Int) -> UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(start: start + piece * stride, count: size)
    }
}

extension Scratch {
    /// - Parameters:
    ///   - size: of a piece, at most `bodySize`.
    ///   - gap: behind each piece but the last.
    ///   - bytes: as many pieces are made as that takes, as far as they fit.
    func room(piecesOf size: Int, gap: Int, for bytes: Int) -> ScatteredRoom {
        let fitting = 1 + (Self.bodySize - size) / (size + gap)
        let body = body(size)
        guard let start = body.baseAddress else { preconditionFailure("the scratch has memory") }
        return ScatteredRoom(start: start, size: size, stride: size + gap, count: min(fitting, max(1, bytes / size)))
    }
}

/// What was read into such a room: full pieces, and a last one that need not be full.
package struct ScatteredBytes: Sequence {
    let room: ScatteredRoom
    let byteCount: Int

    package struct Iterator: IteratorProtocol {
        fileprivate let room: ScatteredRoom
        fileprivate var piece = 0
        fileprivate var left: Int

        package mutating func next() -> UnsafeMutableRawBufferPointer? {
            guard left > 0 else { return nil }
            defer {
                piece += 1
                left -= room.size
            }
            return UnsafeMutableRawBufferPointer(rebasing: room[piece].prefix(left))
        }
    }

    package func makeIterator() -> Iterator { Iterator(room: room, left: byteCount) }

    var pieceCount: Int { (byteCount + room.size - 1) / room.size }
}
