/// Gathers what it is to send while one event, or one round of tasks, is being dealt with, and sends it behind that in one go.
/// Confined to its worker.
protocol Gathering: AnyObject {
    /// Called once for each `Worker.sendLater`.
    func sendGathered()
}
