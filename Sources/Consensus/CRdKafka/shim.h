// librdkafka's C interface, with the mock cluster that the tests run brokers on.
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

// The number behind a pair of configuration macros that Swift cannot import by itself.
static inline int heddle_kafka_purge_queued(rd_kafka_t *handle) {
  return rd_kafka_purge(handle, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_NON_BLOCKING);
}
