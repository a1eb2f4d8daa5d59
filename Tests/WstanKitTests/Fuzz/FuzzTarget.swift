/// One thing that a fuzzer tries to break: a decoder, or a state machine with a script of events.
///
/// To add one: a file in Targets with a `static let` like the others, and its name in `all`.
struct FuzzTarget: Sendable, CustomStringConvertible {
    let name: String
    var description: String { name }
    /// What the corpus begins with: at least one input that gets far.
    let seeds: [[UInt8]]
    /// Longer inputs would only be slower.
    let maxLength: Int
    /// Ends the process by `require`, or by a trap, when a promise is broken.
    let run: @Sendable (inout FuzzInput) -> Void

    init(
        _ name: String, seeds: [[UInt8]], maxLength: Int = 1024, run: @escaping @Sendable (inout FuzzInput) -> Void
    ) {
        self.name = name
        self.seeds = seeds
        self.maxLength = maxLength
        self.run = run
    }

    func run(on bytes: [UInt8]) {
        var input = FuzzInput(bytes)
        run(&input)
    }

    static let all: [FuzzTarget] = [
        frameReader, frames, opener, tunnelBytes, authentication, clientHandshake, httpHead, httpDate, base64,
        addressText, addressBytes, socks5,
        socks4, datagram, proxyHeader, network, resetText, configuration, tunnelMachines, loneTunnelMachine,
        pool, forward, routeMessages, addressRace, replayMemory, replayJournal, replayMarks, heartbeat,
        gatheredData, outbox, timers, fairQueue,
        socks5Passage, proxyAnswer, proxyEnvironment, serverList,
        bodyReader, responseReader, proxyRequest, proxyResponse, exchangeMachine, acceptance, explanation,
        usersFile, proxyAuthorization, grantMachine, keyRing, keyRingScript,
        controlCalls, json, interface,
        keyString, requestCandidate, handshakeRequestV2, handshakeReplyV2, messageV2, recordsV2, tunnelLives, loneTunnelLife,
    ]
}

/// The promise of a fuzz target. Not `precondition`, whose message an optimised build leaves out.
func require(
    _ holds: Bool, _ promise: @autoclosure () -> String, file: StaticString = #file, line: UInt = #line
) {
    if !holds { fatalError("broken promise: \(promise())", file: file, line: line) }
}
