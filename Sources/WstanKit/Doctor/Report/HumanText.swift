/// Quantities as a person says them.
enum HumanText {
    static func duration(_ duration: Duration) -> String {
        let microseconds = duration.wholeNanoseconds / 1000
        switch microseconds {
        case ..<100: return "0.1 ms"
        case ..<10_000: return "\(tenths(microseconds, of: 1000)) ms"
        case ..<1_000_000: return "\(microseconds / 1000) ms"
        default: return "\(tenths(microseconds, of: 1_000_000)) s"
        }
    }

    /// A difference of clocks. To the nearest: a date without fractions makes three minutes ahead look like 179 seconds.
    static func seconds(_ seconds: Double) -> String {
        let whole = seconds.isFinite ? Int(clamping: Int64(min(abs(seconds), 1e15))) : 0
        switch whole {
        case 1: return "1 second"
        case ..<120: return "\(whole) seconds"
        case ..<7200: return "\((whole + 30) / 60) minutes"
        case ..<172_800: return "\((whole + 1800) / 3600) hours"
        default: return "\((whole + 43_200) / 86_400) days"
        }
    }

    private static func tenths(_ value: UInt64, of unit: UInt64) -> String {
        let tenths = (value * 10 + unit / 2) / unit
        return tenths % 10 == 0 ? "\(tenths / 10)" : "\(tenths / 10).\(tenths % 10)"
    }
}
