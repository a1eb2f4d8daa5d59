import ArgumentParser
import WstanControl

@main
enum Program {
    static func main() {
        let arguments = ProgramStart.begin()
        do {
            var command = try Wstanctl.parseAsRoot(GlobalOptions.behindCommand(arguments))
            try command.run()
        } catch let failure as Failure {
            Terminal.complain(failure.text)
            Wstanctl.exit(withError: failure.status)
        } catch {
            // Help, the version and completions come this way, and wrong usage with status 64.
            Wstanctl.exit(withError: error)
        }
    }
}
