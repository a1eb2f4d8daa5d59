extension ControlInterface {
    /// The rest of the interface's text: methods and errors.
    static let methods = """
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
          # Those of names, and of them the first 256
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
          trustsFront: ?bool,
          # Number of keys, if there are more than are listed here: ListKeys has all
          keyCount: ?int,
          # Client mode only, since the start: answers that were not made with the server's
          # key, and WebSockets that no proof of it followed
          impostors: ?int,
          unproven: ?int,
          # Server mode only, with accept-v1 = no: names that have keys of version 1; empty
          # where the reply is restricted. With refusesAllKeys no other key is accepted.
          refusedKeys: ?[]string,
          refusesAllKeys: ?bool
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

        # List the keys, the server's own first, then those of the names, which stand
        # together. Has to be called with 'more'. Sends at most 256 keys in each reply.
        method ListKeys() -> (keys: []Key)

        # Make a new key the current one of its name. The former key stays accepted for
        # graceUSec (default 24 h). 0 retires it at once, and all former keys of the
        # name. If key is not given one is made and sent back once, as the client's
        # configuration has it.
        method RotateKey(
          # Whose key; the configured one when absent
          name: ?string,
          # By the rules of the configuration's key: base64 of 16 bytes, a client's string
          # of version 2, else a passphrase
          key: ?string,
          graceUSec: ?int,
          # Do not write the key ring to the state directory
          runtimeOnly: ?bool,
          # 1 or 2: of which version of the protocol; needed if the name has keys of both
          version: ?int
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
          formerKeys: ?[]Key,
          # What belongs into keyFile, if that is not the new key: a server's string
          keyFileKey: ?string,
          # Client mode only: the ID of the key that was sent before
          replacedKey: ?string
        )

        # Make another key of version 2 for the server itself, with which each client
        # needs another string. The former one stays accepted for graceUSec (default 30
        # days), but never longer than until the next rotation.
        method RotateServerKey(
          graceUSec: ?int,
          # Rotate also if users could not connect from then on: with a grace of 0, and
          # while clients may still have the key before the current one
          force: ?bool,
          # Do not write the key ring to the state directory
          runtimeOnly: ?bool
        ) -> (
          id: string,
          persisted: bool,
          warnings: ?[]string,
          # As in RotateKey
          keyFile: ?string,
          keyFileKey: ?string,
          # The former key, if it is still accepted
          formerKeys: ?[]Key
        )

        # Make a key of one version under a name that has none of it. Without key one is made and sent back once
        method AddKey(
          name: string,
          key: ?string,
          # 1 or 2; default: that of key, else 2 if the server has a key of version 2 or
          # does not accept version 1, else 1
          version: ?int
        ) -> (
          id: string,
          key: ?string,
          persisted: bool,
          warnings: ?[]string,
          clientURI: ?string,
          clientURIGuessed: ?bool,
          clientURILoopback: ?bool,
          # Keys that the name has besides
          otherKeys: ?[]Key
        )

        # Stop accepting a key now; close ends the tunnels that were opened with it
        method RetireKey(id: string, close: ?bool) -> (
          closed: int,
          warnings: ?[]string,
          # As in RotateKey; keyFileKey for root only
          keyFile: ?string,
          keyFileKey: ?string
        )

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
          keyName: ?string,
          # 1 or 2: of which version of the protocol; default: 2 if the name has such a key
          version: ?int
        ) -> (
          text: string,
          # The key alone
          key: ?string,
          clientURI: ?string,
          clientURIGuessed: ?bool,
          clientURILoopback: ?bool,
          # That the server refuses this key
          warnings: ?[]string
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
