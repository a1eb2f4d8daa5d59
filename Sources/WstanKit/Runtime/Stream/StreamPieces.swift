import Glibc

extension Stream {
    /// Reads into one piece after the other, with one system call. What TLS has opened goes into the first.
    func read(into room: ScatteredRoom) -> ReadResult {
        guard room.count > 1, tls == nil, !isClosed else { return read(into: room.first) }
        worker.assertIsCurrent()
        let result = withUnsafeTemporaryAllocation(of: iovec.self, capacity: room.count) { pieces in
            for index in 0..<room.count {
                pieces[index] = iovec(iov_base: room.start + index * room.stride, iov_len: room.size)
            }
            return receive(upTo: room.size * room.count) { readv(descriptor, pieces.baseAddress, Int32(room.count)) }
        }
        return counted(result)
    }

    package func write(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { write($0) }
    }
}
