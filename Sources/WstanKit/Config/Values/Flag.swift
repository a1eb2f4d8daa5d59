/// The booleans of Python's ConfigParser.
package enum Flag {
    package static func read(_ text: String) throws(ValueProblem) -> Bool {
        switch text.lowercased() {
        case "1", "yes", "true", "on": return true
        case "0", "no", "false", "off": return false
        default: throw ValueProblem("takes yes or no")
        }
    }
}
