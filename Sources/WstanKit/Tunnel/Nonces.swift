extension Randomness {
    /// 16 random bytes: a nonce of version 1, or a `Sec-WebSocket-Key` (RFC 6455 section 4.1).
    package func nonce() -> Nonce {
        Nonce(high: next(), low: next())
    }
}
