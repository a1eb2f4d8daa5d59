@main
enum Echo { static func main() { print("echo") } }
