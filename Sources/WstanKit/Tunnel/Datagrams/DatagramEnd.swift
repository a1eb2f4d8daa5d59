/// The end of an association on one side of its tunnel: where datagrams come from and go to.
protocol DatagramEnd: AnyObject {
    /// One has come through the tunnel.
    func deliver(_ datagram: Datagram)
    /// The peer has reset the association, or the tunnel is no more.
    func associationEnded()
}
