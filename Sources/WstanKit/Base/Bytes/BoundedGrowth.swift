extension [UInt8] {
    /// Appends and doubles the memory when it is full, as arrays do, but never beyond `limit` bytes unless the contents
    /// need them.
    @inlinable package mutating func append(_ bytes: some Collection<UInt8>, within limit: Int) {
        let needed = count + bytes.count
        if needed > capacity { reserveCapacity(Swift.max(needed, Swift.min(2 * capacity, limit))) }
        append(contentsOf: bytes)
    }
}
