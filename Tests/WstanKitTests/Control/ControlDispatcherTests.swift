import Testing
import WstanControl

@testable import WstanBase
@testable import WstanControlSocket
@testable import WstanCore

@Suite(.timeLimit(.minutes(1))) struct ControlDispatcherTests {
    /// Confined to its worker. Tells its status when it is told to, and does nothing else.
    private final class SlowService: ControlService, @unchecked Sendable {
        private(set) var asked = 0
        private let answer: Wait<Void>

        init(on worker: Worker) { answer = Wait(worker: worker) }

        func goOn() { answer.fulfill(()) }

        func status() async -> GetStatus.Reply {
            asked += 1
            if asked == 1 { await answer.value(onTimeout: (), onCancel: ()) }
            return InterfaceTests.fullStatus
        }

        func listTunnels(
            _ parameters: ListTunnels.Parameters, _ replies: ControlReplies<ListTunnels>
        ) async throws(ControlError) -> ListTunnels.Reply { throw .permissionDenied }
        func closeTunnel(_ it: CloseTunnel.Parameters) async throws(ControlError) -> CloseTunnel.Reply {
            throw .permissionDenied
        }
        func listRejects(_ it: ListRejects.Parameters) async throws(ControlError) -> ListRejects.Reply {
            throw .permissionDenied
        }
        func checkConfiguration(
            _ it: CheckConfiguration.Parameters
        ) async throws(ControlError) -> CheckConfiguration.Reply { throw .permissionDenied }
        func reload(_ it: Reload.Parameters) async throws(ControlError) -> Reload.Reply { throw .permissionDenied }
        func listKeys(_ replies: ControlReplies<ListKeys>) async -> ListKeys.Reply { ListKeys.Reply(keys: []) }
        func rotateServerKey(
            _ it: RotateServerKey.Parameters, by caller: ControlCaller
        ) async throws(ControlError) -> RotateServerKey.Reply { throw .permissionDenied }
        func rotateKey(
            _ it: RotateKey.Parameters, by caller: ControlCaller
        ) async throws(ControlError) -> RotateKey.Reply { throw .permissionDenied }
        func addKey(_ it: AddKey.Parameters, by caller: ControlCaller) async throws(ControlError) -> AddKey.Reply {
            throw .permissionDenied
        }
        func retireKey(
            _ it: RetireKey.Parameters, by caller: ControlCaller
        ) async throws(ControlError) -> RetireKey.Reply { throw .permissionDenied }
        func clientConfiguration(
            _ it: GetClientConfiguration.Parameters
        ) async throws(ControlError) -> GetClientConfiguration.Reply { throw .permissionDenied }
        func drain(
            _ it: Drain.Parameters, _ replies: ControlReplies<Drain>
        ) async throws(ControlError) -> Drain.Reply { throw .permissionDenied }
        func undrain() async throws(ControlError) -> Undrain.Reply { throw .permissionDenied }
        func setLogLevel(_ it: SetLogLevel.Parameters) async throws(ControlError) -> SetLogLevel.Reply {
            throw .permissionDenied
        }
    }

    @Test func `strangers that ask at one moment have the workers asked once, and who may see all is told at once`() async throws {
        try await WorkerThread.run { worker in
            let service = SlowService(on: worker)
            let dispatcher = ControlDispatcher(
                service, of: worker,
                information: GetInfo.Reply(vendor: "v", product: "p", version: "1", url: "u", interfaces: [])
            ) { _ in }
            func call(_ standing: ControlAuthority.Standing) async throws -> WstanCore.Stream {
                let (near, far) = try await Loopback.pair(on: worker)
                let caller = ControlCaller(LocalProcess(pid: 1, uid: 1, gid: 1), on: far.descriptor)
                let session = ControlSession(
                    far, caller: caller, standing: standing, dispatcher: dispatcher, pace: { .zero })
                worker.spawn { _ = await session.run { _ in } }
                near.write(Array(#"{"method":"\#(ControlInterface.name).GetStatus"}"#.utf8) + [0])
                return near
            }
            func hasAnswer(_ stream: WstanCore.Stream) async -> Bool { await stream.take(20).starts(with: "{\"parameters\"".utf8) }
            var strangers: [WstanCore.Stream] = []
            for _ in 0..<20 { strangers.append(try await call(.stranger)) }
            await worker.until { service.asked == 1 }
            let owner = try await call(.owner)
            #expect(await hasAnswer(owner))
            #expect(service.asked == 2)
            service.goOn()
            for stranger in strangers { #expect(await hasAnswer(stranger)) }
            #expect(service.asked == 2)
            for stream in strangers + [owner] { stream.close() }
        }
    }
}
