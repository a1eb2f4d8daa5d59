// A WebSocket echo for the Autobahn testsuite, made of the product's codec and runtime: wstan-echo serve PORT,
// wstan-echo visit PORT (takes every case of a fuzzing server, one after the other).
import Glibc

@testable import WstanBase
@testable import WstanCore

@main
enum Echo {
    static func main() {
        let words = CommandLine.arguments
        guard words.count == 3, let port = UInt16(words[2]) else { leave("usage: wstan-echo serve|visit PORT") }
        signal(SIGPIPE, SIG_IGN)
        let address = SocketAddress.ipv4(IPv4Address(0x7f00_0001), port: port)
        do {
            let worker = try Worker(index: 0, memoryLimit: 1 << 30)
            switch words[1] {
            case "serve": worker.execute { serve(at: address, on: worker) }
            case "visit": worker.spawn { await EchoVisitor(server: address, worker: worker).visitAll() }
            default: leave("neither serve nor visit, but \(words[1])")
            }
            worker.run()
        } catch {
            leave("\(error)")
        }
    }

    private static func serve(at address: SocketAddress, on worker: Worker) {
        do throws(SystemError) {
            let listener = try Listener(address, on: worker, dealingTo: [worker]) { event in
                guard case .accepted(let arrival) = event,
                    let stream = try? Stream(descriptor: arrival.descriptor, worker: worker)
                else { return }
                worker.spawn { await EchoConnection.welcome(stream) }
            }
            // For as long as the process.
            _ = Unmanaged.passRetained(listener)
        } catch {
            leave("\(error)")
        }
    }

    static func leave(_ text: String) -> Never {
        let line = "wstan-echo: \(text)\n"
        write(STDERR_FILENO, line, line.utf8.count)
        _exit(1)
    }
}
