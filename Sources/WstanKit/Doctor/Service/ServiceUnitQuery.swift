import Glibc
import WstanBase
import WstanConfig
import WstanControl

extension ServiceUnit {
    /// The unit that runs the configuration which a command line wants examined (`--doctor`, `--check-config`). Blocks while
    /// it asks systemd.
    ///
    /// - Returns: nil without a file, without systemd, and where no unit runs that file.
    static func examined(by arguments: [String]) -> ServiceUnit? {
        guard let file = file(examinedBy: arguments, in: .system) else { return nil }
        let name = InstancePlaces.instance(of: file).map { "wstand@\($0)" } ?? "wstand"
        let ofUser = geteuid() == 0 ? [] : [["--user"]]
        for manager in [[]] + ofUser {
            let command =
                ["systemctl"] + manager
                + ["show", "--property=\(properties.joined(separator: ","))", "\(name).service", "\(name).socket"]
            guard let ended = Subprocess.run(command, errors: .dropped, patience: patience), ended.status == 0,
                let unit = ServiceUnit(shown: ended.output, running: file, isOfUser: !manager.isEmpty)
            else { continue }
            return unit
        }
        return nil
    }

    /// - Returns: nil when nothing is to be examined, or no file.
    static func file(examinedBy arguments: [String], in surroundings: Surroundings) -> String? {
        let words = CommandLineArguments(arguments)
        guard words.asksForDoctor || words.asksForCheck else { return nil }
        return words.file ?? words.standardFile(in: surroundings)
    }

    /// Wait this long for systemctl, in milliseconds.
    private static let patience: Int32 = 5000
}
