// The fuzzer's program: wstan-fuzz TARGET [LIBFUZZER-ARGUMENT...], wstan-fuzz --list, wstan-fuzz --seed TARGET
// DIRECTORY.
import Glibc

/// libFuzzer as a library (LLVM's FuzzerInterface has no header that Swift could read here).
@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
    _ count: UnsafeMutablePointer<Int32>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
    _ body: @convention(c) (UnsafePointer<UInt8>?, Int) -> Int32
) -> Int32

/// Set once, before the driver starts; its C callback has no other way to know.
private nonisolated(unsafe) var chosen: FuzzTarget?

/// By its name libFuzzer's own main would call it; ours wins, but a linker that looks at both wants it.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    chosen?.run(on: Array(UnsafeBufferPointer(start: start, count: count)))
    return 0
}

@main
enum Fuzz {
    static func main() {
        let words = CommandLine.arguments
        switch words.dropFirst().first {
        case "--list":
            for target in FuzzTarget.all { print(target.name) }
        case "--seed" where words.count == 4:
            plantSeeds(of: target(named: words[2]), in: words[3])
        case let name?:
            chosen = target(named: name)
            drive(maxLength: chosen?.maxLength ?? 0)
        case nil:
            leave("usage: wstan-fuzz TARGET [ARGUMENT...] | --list | --seed TARGET DIRECTORY")
        }
    }

    private static func target(named name: String) -> FuzzTarget {
        guard let target = FuzzTarget.all.first(where: { $0.name == name }) else {
            leave("there is no fuzz target \(name)")
        }
        return target
    }

    private static func drive(maxLength: Int) -> Never {
        let words = [CommandLine.arguments[0], "-max_len=\(maxLength)"] + CommandLine.arguments.dropFirst(2)
        var pointers = words.map { strdup($0) } + [nil]
        var count = Int32(words.count)
        let status = pointers.withUnsafeMutableBufferPointer { buffer -> Int32 in
            guard var start = buffer.baseAddress else { return 1 }
            return runDriver(&count, &start) { fuzz($0, $1) }
        }
        exit(status)
    }

    private static func plantSeeds(of target: FuzzTarget, in directory: String) {
        for (number, seed) in target.seeds.enumerated() {
            guard let file = fopen("\(directory)/seed-\(number)", "w") else { leave("cannot write to \(directory)") }
            fwrite(seed, 1, seed.count, file)
            fclose(file)
        }
    }

    private static func leave(_ text: String) -> Never {
        let line = text + "\n"
        write(STDERR_FILENO, line, line.utf8.count)
        exit(64)
    }
}
