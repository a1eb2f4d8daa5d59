import ArgumentParser
import WstanControl

@main
enum Program {
    static func main() {
        let arguments = ProgramStart.begin()
        if arguments.count == 2, arguments[0] == "--generate-completion-script",
            let shell = CompletionShell(rawValue: arguments[1])
        {
            return Terminal.write(CompletionScript.text(for: shell) + "\n")
        }
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
