// What this room records, for the node's catalogue.

import MetricDescriptions

/// The metrics of Broadcast and Deliver.
package enum AtomicBroadcastMetrics {
  package static let descriptions = BroadcastMetrics.descriptions + DeliverMetrics.descriptions
}
