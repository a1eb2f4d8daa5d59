import COpenSSL
import WstanBase

extension SecretBytes {
    static func random(count: Int) -> SecretBytes {
        SecretBytes(count: count) { room in
            let isFilled = RAND_bytes(room.assumingMemoryBound(to: UInt8.self).baseAddress, Int32(room.count)) == 1
            precondition(isFilled, "the system has no randomness")
        }
    }
}
