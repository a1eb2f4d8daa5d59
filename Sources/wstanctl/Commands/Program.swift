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
            if let failure = UnknownCommand.failure(in: arguments) { throw failure }
            var command = try Wstanctl.parseAsRoot(GlobalOptions.behindCommand(arguments))
            try command.run()
        } catch let failure as Failure {
            Terminal.complain(failure.text)
            Wstanctl.exit(withError: failure.status)
        } catch {
            let text = Wstanctl.fullMessage(for: error)
            if Wstanctl.exitCode(for: error) == .success, text.contains("USAGE: wstanctl") {
                Terminal.say(Examples.added(to: text))
                return
            }
            // The version and completions come this way, and wrong usage with status 64.
            Wstanctl.exit(withError: error)
        }
    }
}
