extension ControlInterface {
    /// The beginning of the interface's text: the name and the types.
    static let types = """
        # Control and inspection of a wstand(8) tunnel daemon.
        #
        # GetStatus() may be called by every local user that can connect.
        # GetClientConfiguration() needs a caller that is root or the daemon's own
        # user. All other methods need one of these or a member of the control group,
        # and fail with org.varlink.service.PermissionDenied otherwise.
        #
        # Points in time (TimestampUSec) are microseconds since 1970 in UTC, lengths of
        # time (USec) microseconds.
        interface org.wstan.control

        # Life cycle state of the daemon
        type DaemonState (starting, running, reloading, draining, stopping)

        # Role the daemon was started in
        type Mode (client, server)

        # current: the one to use; previous: accepted until it retires
        type KeyState (current, previous)

        # configuration: the key or its file; credential: of the service manager;
        # state: the key ring in the state directory
        type KeySource (configuration, credential, state)

        # v1, v2: of a name, for that version of the protocol; server: the server's own,
        # of version 2
        type KeyKind (v1, v2, server)

        # idle: open, and waiting in a pool for its next connection
        type TunnelState (connecting, using, resetting, idle)

        # listed: was there already; synchronized: the list is complete
        type TunnelEvent (listed, added, changed, removed, synchronized)

        type Protocol (tcp, udp)

        type Severity (error, warning)

        type LogLevel (debug, info, notice, warning, error)

        # reachable: a connection made now works; unreachable: the last try has failed;
        # unknown: nothing was tried yet, or nothing was heard since the last success
        type ServerState (reachable, unreachable, unknown)

        # cookie: a cookie; path: the last part of the path; protocol: the field
        # Sec-WebSocket-Protocol
        type Carrier (cookie, path, protocol)

        # Idle tunnels: a client's pool; at a server the idle tunnels that its clients
        # keep open (size, hits and misses are 0 then).
        type Pool (
          # Configured maximum number of idle tunnels
          size: int,
          # Tunnels that are open and idle
          idle: int,
          # Tunnels being opened right now
          opening: int,
          # Number of requests served with a tunnel taken from the pool
          hits: int,
          # Number of requests that had to open a new tunnel
          misses: int,
          # Smoothed round-trip time of TCP, to the server or to the front or proxy before it
          rttUSec: ?int
        )

        # Requests that the server has refused since it was started
        type Rejects (
          # Nonce already seen inside the acceptance window
          replay: int,
          # Timestamp outside of the acceptance window
          expired: int,
          # HMAC did not verify with any active key
          badAuthentication: int,
          # Malformed request
          malformed: int,
          # Destination refused by the access rules
          forbiddenTarget: int,
          # Refused by a limit on tunnels, handshakes, memory or remembered requests
          overLimit: int,
          # Datagrams dropped for want of room
          droppedDatagrams: int,
          # Refused because the server drains
          draining: ?int
        )

        # A server that a client may use
        type Server (
          # "(hidden)" where the reply is restricted
          uri: string,
          state: ServerState,
          # True for the one that new connections go to
          used: bool,
          # True while a try has not been answered
          trying: bool,
          # Since when it is reachable or unreachable
          sinceTimestampUSec: ?int,
          # When it was heard of last, and when a try failed last
          lastSuccessTimestampUSec: ?int,
          lastFailureTimestampUSec: ?int,
          # Why it is unreachable: for programs, what happened, what to do. If it is unknown,
          # why a try that proves nothing has failed.
          code: ?string,
          cause: ?string,
          advice: ?string,
          # Tunnels that are open to it
          tunnels: int,
          # Smoothed round-trip time of TCP, to it or to the front or proxy before it
          rttUSec: ?int,
          # When the certificate that it has shown last, or one that vouches for it, expires
          certificateEndTimestampUSec: ?int,
          # What requests of version 2 ride in
          carrier: ?Carrier,
          # Why the client has left another carrier for it, with carrier = auto
          carrierCause: ?string,
          # True if the server has a new key for this client, and will refuse this one
          keyReplaced: ?bool,
          # When the server says that this client's key expires
          keyEndTimestampUSec: ?int
        )

        # The certificate that this end shows
        type Certificate (
          # Its file; absent where the reply is restricted
          file: ?string,
          # Names and addresses that it is for
          names: []string,
          endTimestampUSec: ?int,
          # Host of the URI, if the certificate is not for it
          mismatchedHost: ?string,
          # Why the files as they are now cannot be used; the former certificate stays
          refusal: ?string
        )

        # A listening socket
        type Listener (
          # Name given with FileDescriptorName= or the section of the configuration file
          name: string,
          # Address as host:port, or a path
          address: string,
          # True if the socket was passed in by the service manager
          activated: bool
        )

        # A key the daemon accepts. The secret itself is never sent.
        type Key (
          # Whose key; "(server)" for the server's own
          name: string,
          # Tells keys apart: 8 bytes that a hash makes of the key, as lower-case hex
          id: string,
          state: KeyState,
          source: KeySource,
          createdTimestampUSec: ?int,
          # When a previous key stops being accepted
          retireTimestampUSec: ?int,
          # Number of requests accepted with this key, and the last time; kept across
          # restarts in the state directory
          uses: int,
          lastUseTimestampUSec: ?int,
          # v1 if absent
          kind: ?KeyKind,
          # When a v2 key was last used with the server's former key, unless it was used
          # with the current one since
          formerServerKeyTimestampUSec: ?int,
          # Setting by which the server refuses the key: accept-v1 = no
          refusedBy: ?string,
          # True for a v2 key if its name has not moved from the server's former key
          notMoved: ?bool
        )

        # Requests that were refused to one address for one reason
        type Refusal (
          # An IPv4 address, or the IPv6 network (/64) of one; absent when not known
          address: ?string,
          # The reason, by its code in the log: bad-authentication, expired, replayed...
          cause: string,
          # What was seen when it was refused last, in words
          text: string,
          # Name of the key that the request had, where it is known
          key: ?string,
          count: int,
          firstTimestampUSec: int,
          lastTimestampUSec: int
        )

        # A tunnel
        type Tunnel (
          # 1, 2, 3 and so on; unique over the life time of the daemon
          id: int,
          state: TunnelState,
          protocol: Protocol,
          # Address of the other end of the tunnel connection
          peer: string,
          # Address of the user-agent (client mode)
          client: ?string,
          # Requested destination, host:port
          target: ?string,
          # Name of the key it was opened with
          key: ?string,
          bytesReceived: int,
          bytesSent: int,
          startTimestampUSec: int,
          # When bytes last went either way; of an idle tunnel, since when it is idle
          lastActivityTimestampUSec: int,
          rttUSec: ?int
        )

        # A finding in a configuration file
        type Diagnostic (
          severity: Severity,
          file: ?string,
          line: ?int,
          column: ?int,
          message: string
        )


        """
}
