import WstanKit

@main
struct Wstand {
    static func main() {
        CommandLineProgram.run()
    }
}
