import CLinux
import Glibc

/// Room for the datagrams that one call takes from a socket. It is the worker's, so a socket that waits holds none of it.
/// Confined to its worker.
///
/// One call also says whether that was all: it was when there is room left. So even a datagram that comes alone costs a call
/// instead of two.
final class DatagramBatch {
    static let capacity = 16
    /// No datagram is longer. Of this memory those pages are there that a datagram has reached.
    private static let slot = 64 * 1024

    private let bytes = UnsafeMutableRawPointer.allocate(byteCount: capacity * slot, alignment: 64)
    private let senders = UnsafeMutablePointer<sockaddr_storage>.allocate(capacity: capacity)
    private let rooms = UnsafeMutablePointer<iovec>.allocate(capacity: capacity)
    private let messages = UnsafeMutablePointer<mmsghdr>.allocate(capacity: capacity)
    /// Messages that the kernel has written to.
    private var used = capacity

    init() {
        for index in 0..<Self.capacity {
            (rooms + index).initialize(to: iovec(iov_base: bytes + index * Self.slot, iov_len: Self.slot))
            var message = mmsghdr()
            message.msg_hdr.msg_name = UnsafeMutableRawPointer(senders + index)
            message.msg_hdr.msg_iov = rooms + index
            message.msg_hdr.msg_iovlen = 1
            (messages + index).initialize(to: message)
        }
    }

    deinit {
        bytes.deallocate()
        senders.deallocate()
        rooms.deallocate()
        messages.deallocate()
    }

    /// - Returns: how many have come; -1 when there are none, or for an error, which `errno` says.
    func receive(from descriptor: Int32) -> Int {
        for index in 0..<used { messages[index].msg_hdr.msg_namelen = socklen_t(MemoryLayout<sockaddr_storage>.size) }
        let count = Int(recvmmsg(descriptor, messages, UInt32(Self.capacity), 0, nil))
        used = max(0, count)
        return count
    }

    /// A datagram that the last call has taken, until the next one.
    ///
    /// - Returns: nil where its sender has no address of a family that is known here.
    subscript(index: Int) -> (bytes: UnsafeRawBufferPointer, sender: SocketAddress)? {
        let sender = UnsafeMutableRawPointer(senders + index).assumingMemoryBound(to: sockaddr.self)
        guard let address = SocketAddress(sender) else { return nil }
        let count = min(Int(messages[index].msg_len), Self.slot)
        return (UnsafeRawBufferPointer(start: bytes + index * Self.slot, count: count), address)
    }
}
