import ArgumentParser

@main
struct Wstanctl: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wstanctl",
        abstract: "Talks to a running wstand.",
        discussion: "This version has no control socket yet: status, rotate-key and reload arrive with it.",
        version: "wstanctl 0.1.0")
}
