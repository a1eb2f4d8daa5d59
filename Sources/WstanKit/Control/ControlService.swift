import WstanControl

/// What the daemon does when it is called: every method of the interface, each called on the service's worker, and only for those
/// who may.
///
/// Parameters have the types of the interface; whether their values make sense is for the method to say, by
/// `invalidParameter`. A call goes on to its end also when the client has gone.
package protocol ControlService: AnyObject, Sendable {
    /// All of it; what not everybody may see is left out by the caller.
    func status() async -> GetStatus.Reply
    /// Sends the tunnels, and then returns what is sent last; with `follow` it goes on until `replies` are over.
    func listTunnels(
        _ parameters: ListTunnels.Parameters, _ replies: ControlReplies<ListTunnels>
    ) async throws(ControlError) -> ListTunnels.Reply
    func closeTunnel(_ parameters: CloseTunnel.Parameters) async throws(ControlError) -> CloseTunnel.Reply
    func listRejects(_ parameters: ListRejects.Parameters) async throws(ControlError) -> ListRejects.Reply
    func checkConfiguration(
        _ parameters: CheckConfiguration.Parameters
    ) async throws(ControlError) -> CheckConfiguration.Reply
    func reload(_ parameters: Reload.Parameters) async throws(ControlError) -> Reload.Reply
    /// Sends pages of keys, and then returns the last one.
    func listKeys(_ replies: ControlReplies<ListKeys>) async -> ListKeys.Reply
    /// Changes of keys are logged with what became of them, and with the caller.
    func rotateKey(
        _ parameters: RotateKey.Parameters, by caller: ControlCaller
    ) async throws(ControlError) -> RotateKey.Reply
    func rotateServerKey(
        _ parameters: RotateServerKey.Parameters, by caller: ControlCaller
    ) async throws(ControlError) -> RotateServerKey.Reply
    func addKey(_ parameters: AddKey.Parameters, by caller: ControlCaller) async throws(ControlError) -> AddKey.Reply
    func retireKey(
        _ parameters: RetireKey.Parameters, by caller: ControlCaller
    ) async throws(ControlError) -> RetireKey.Reply
    func clientConfiguration(
        _ parameters: GetClientConfiguration.Parameters
    ) async throws(ControlError) -> GetClientConfiguration.Reply
    /// Begins to drain, and returns at once unless `replies` wants more: then it sends the count as it changes, and
    /// returns the last.
    func drain(
        _ parameters: Drain.Parameters, _ replies: ControlReplies<Drain>
    ) async throws(ControlError) -> Drain.Reply
    func undrain() async throws(ControlError) -> Undrain.Reply
    func setLogLevel(_ parameters: SetLogLevel.Parameters) async throws(ControlError) -> SetLogLevel.Reply
}
