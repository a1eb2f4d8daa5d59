/// The interface of the control socket. The text is the file beside this one, which a test holds it to, so that the program
/// needs no file at run time.
public enum ControlInterface {
    public static let name = "org.wstan.control"

    /// As `org.varlink.service.GetInterfaceDescription` sends it.
    public static let text = """
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
          # Smoothed round-trip time to the server
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
          # Smoothed round-trip time
          rttUSec: ?int,
          # When the certificate that it has shown last, or one that vouches for it, expires
          certificateEndTimestampUSec: ?int
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
          # Whose key
          name: string,
          # First 8 bytes of SHA-256 over a fixed label and the key, as lower-case hex
          id: string,
          state: KeyState,
          source: KeySource,
          createdTimestampUSec: ?int,
          # When a previous key stops being accepted
          retireTimestampUSec: ?int,
          # Number of requests accepted with this key, and the last time; kept across
          # restarts in the state directory
          uses: int,
          lastUseTimestampUSec: ?int
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

        # Aggregate state. Never contains targets, clients or secrets.
        #
        # If called with 'more' a new reply is sent after every intervalUSec
        # (default one second, minimum 100 ms) until the client disconnects.
        method GetStatus(intervalUSec: ?int) -> (
          version: string,
          mode: Mode,
          state: DaemonState,
          statusText: ?string,
          # Name of the instance, as in wstand@NAME
          instance: ?string,
          pid: int,
          startTimestampUSec: int,
          configurationLoadTimestampUSec: int,
          # Why the last reload changed nothing
          configurationErrors: ?[]string,
          # What an administrator should look after
          warnings: ?[]string,
          listeners: []Listener,
          # Tunnels with a connection or an association on them
          tunnelsActive: int,
          # Connections and associations since the start
          tunnelsTotal: int,
          bytesReceived: int,
          bytesSent: int,
          # Until when a drain, or the end of the daemon, waits at most; absent without a
          # limit, and while nothing drains
          drainDeadlineTimestampUSec: ?int,
          # Since when it drains; absent while nothing drains
          drainStartTimestampUSec: ?int,
          # True if the daemon ends afterwards, and closes the tunnels that are left then.
          # Otherwise they stay open.
          drainExits: ?bool,
          pool: ?Pool,
          # Server mode only
          rejects: ?Rejects,
          keys: ?[]Key,
          # Of what is logged, the least that is
          logLevel: ?LogLevel,
          # Client mode only: datagrams dropped since the start
          droppedDatagrams: ?int,
          # True if configurationErrors, warnings, keys, files, URIs and addresses are left
          # out and numbers are rounded, since the caller may only call this method
          restricted: ?bool,
          # Client mode only: in the order in which they are preferred
          servers: ?[]Server,
          certificate: ?Certificate,
          # Settings that have changed in the files and need a restart
          requiresRestart: ?[]string,
          # True if the files of the configuration have changed since they were read
          filesChanged: ?bool,
          # When the last reload failed; absent if it did not
          reloadFailureTimestampUSec: ?int,
          # Number of warnings; not left out where the reply is restricted
          warningCount: ?int,
          # What the setting listen says, if sockets of the service manager stand in its
          # place and are elsewhere; empty where the reply is restricted
          replacedListen: ?[]string,
          # Server mode only: addresses other than loopback that are served without TLS
          # although the URI says wss; empty where the reply is restricted
          withoutTLS: ?[]string,
          # With withoutTLS: true if trusted-proxies has a front on another host
          trustsFront: ?bool
        )

        # List tunnels. Has to be called with 'more'. Sends one reply per tunnel, and
        # then one without a tunnel whose event is synchronized.
        method ListTunnels(
          # Only tunnels in one of these states
          states: ?[]TunnelState,
          # After the list, keep sending one reply per change
          follow: ?bool
        ) -> (
          tunnel: ?Tunnel,
          # added, changed and removed are only sent if follow is set
          event: ?TunnelEvent
        )

        # Recent refusals at a server, at most 256, the newest first. With 'all' also
        # connections that were not requests of wstan, as from browsers and scanners: as
        # many again. Held in memory only.
        method ListRejects(all: ?bool) -> (
          # Since when they are remembered: the daemon's start
          sinceTimestampUSec: int,
          refusals: []Refusal
        )

        # Close one tunnel
        method CloseTunnel(id: int) -> ()

        # Parse and check a configuration without applying it. Without text the file
        # the daemon was started with, and its drop-ins, are read again.
        method CheckConfiguration(text: ?string) -> (diagnostics: []Diagnostic)

        # Read the configuration, keys and certificates again and apply them. On an
        # error the running configuration stays in effect. With dryRun nothing is applied:
        # the reply says what would be.
        method Reload(dryRun: ?bool) -> (
          # Settings whose new values are in effect
          changed: []string,
          # Settings that have changed and need a restart
          requiresRestart: []string,
          warnings: ?[]string
        )

        # Make a new key the current one of its name. The former key stays accepted for
        # graceUSec (default 24 h). 0 retires it at once, and all former keys of the
        # name. If key is not given a random 16 byte key is made and sent back once.
        method RotateKey(
          # Whose key; the configured one when absent
          name: ?string,
          # By the rules of the configuration's key: base64 of 16 bytes, else a passphrase
          key: ?string,
          graceUSec: ?int,
          # Do not write the key ring to the state directory
          runtimeOnly: ?bool
        ) -> (
          id: string,
          key: ?string,
          persisted: bool,
          warnings: ?[]string,
          # Key file that still has the former key, since the daemon may not write it.
          # The first warning says so.
          keyFile: ?string,
          # Server mode only: the URI that clients use. If clientURIGuessed is set, its
          # host is the server's own address, or HOST. If clientURILoopback is set, the
          # server listens on loopback only: clients reach it through what forwards to it.
          clientURI: ?string,
          clientURIGuessed: ?bool,
          clientURILoopback: ?bool,
          # Former keys of the name that are still accepted
          formerKeys: ?[]Key
        )

        # Make a key under a new name. Without key a random 16-byte one is made and sent back once
        method AddKey(name: string, key: ?string) -> (
          id: string,
          key: ?string,
          persisted: bool,
          warnings: ?[]string,
          clientURI: ?string,
          clientURIGuessed: ?bool,
          clientURILoopback: ?bool
        )

        # Stop accepting a key now; close ends the tunnels that were opened with it
        method RetireKey(id: string, close: ?bool) -> (closed: int, warnings: ?[]string)

        # Stop accepting new requests and wait for tunnels in use. Called with 'more'
        # it reports progress until none is left or timeoutUSec is over. The daemon
        # exits afterwards if exit is set, and closes the tunnels that are left then.
        method Drain(timeoutUSec: ?int, exit: ?bool) -> (tunnelsActive: int)

        # Leave the draining state
        method Undrain() -> ()

        # Change the log level until the next reload
        method SetLogLevel(level: LogLevel) -> (former: LogLevel)

        # What a client of this server needs, as configuration text. Holds the secret.
        method GetClientConfiguration(
          # Whose key; the configured one when absent
          keyName: ?string
        ) -> (
          text: string,
          # The key alone
          key: ?string,
          clientURI: ?string,
          clientURIGuessed: ?bool,
          clientURILoopback: ?bool
        )

        # The configuration has errors and was not applied
        error ConfigurationInvalid (diagnostics: []Diagnostic)

        # No tunnel with this id
        error NoSuchTunnel (id: int)

        # No key with this id or name
        error NoSuchKey (id: string)

        # There is a key with this name already
        error KeyExists (name: string)

        # The key is empty or too weak
        error InvalidKey (message: string)

        # The key comes from a read-only source and cannot be replaced at run time
        error KeyReadOnly (source: string)

        # Not possible in this mode or state
        error WrongState (state: string)

        # It was tried and has failed; nothing has changed
        error OperationFailed (message: string)

        """
}
