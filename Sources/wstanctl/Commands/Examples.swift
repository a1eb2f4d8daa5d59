import ArgumentParser

/// An example for each command, which its help ends with. They stand together so that the manual can be held to them.
enum Examples {
    static let all: [String: String] = [
        "": "wstanctl -i home",
        "status": "wstanctl -i home status --watch",
        "check": "wstanctl -i home check",
        "tunnels": "wstanctl tunnels --state using --watch",
        "top": "wstanctl -i home top --sort total",
        "rejects": "sudo wstanctl rejects --all",
        "pool": "wstanctl -i home pool",
        "keys": "wstanctl keys",
        "instances": "wstanctl instances",
        "logs": "wstanctl logs -f -n 50",
        "doctor": "sudo wstanctl -i home doctor",
        "rotate-key": "sudo wstanctl rotate-key --grace 7d",
        "rotate-server-key": "sudo wstanctl rotate-server-key --grace 90d",
        "add-key": "sudo wstanctl add-key laptop",
        "retire-key": "sudo wstanctl retire-key laptop --close",
        "client-config": "sudo wstanctl client-config --key laptop",
        "check-config": "sudo wstanctl check-config --config /etc/wstan/home.conf",
        "reload": "sudo wstanctl reload",
        "drain": "sudo wstanctl drain --timeout 10min; sudo systemctl restart wstand",
        "undrain": "sudo wstanctl undrain",
        "close": "sudo wstanctl close 17",
        "log-level": "sudo wstanctl log-level debug",
        "init": "sudo wstanctl init server --address server.example.com",
        "init server": "sudo wstanctl init server --uri ws://0.0.0.0:443/ --address server.example.com",
        "init client": "sudo wstanctl init client home --uri wss://server.example.com/",
    ]

    /// - Parameter help: as the parser makes it.
    /// - Returns: the same with who may call the command that it is about, and with its example.
    static func added(to help: String) -> String {
        guard let line = help.split(separator: "\n").first(where: { $0.hasPrefix("USAGE: wstanctl") }) else {
            return help
        }
        let words = line.split(separator: " ").dropFirst(2).prefix { $0.first.map { $0.isLetter } ?? false }
        let command = words.joined(separator: " ")
        guard let example = all[command] else { return help }
        let isOpen = help.hasSuffix("\n")
        let right = CommandRights.text(of: command).map { "\nPERMITTED:\n  \($0)\n" } ?? ""
        return help + (isOpen ? "" : "\n") + right + "\nEXAMPLE:\n  \(example)" + (isOpen ? "\n" : "")
    }
}
