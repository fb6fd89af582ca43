/* The library's log, which is thrown away but for one line: the coordinator does not speak the
 * group's protocol. */
#include <string.h>

#include "worker/replica/kafka/handle.h"

/*
 * A coordinator that does not speak the protocol of KIP-848 is asked again for ever, and only this
 * line tells (librdkafka 2.16.0, rd_kafka_ConsumerGroupHeartbeatRequest). Called by a thread of the
 * library.
 */
static void
source_log_event(const rd_kafka_t *rk, int level, const char *facility, const char *line)
{
    struct source *source = rd_kafka_opaque(rk);
    (void)level;
    (void)facility;
    if (source != NULL && strstr(line, "ConsumerGroupHeartbeatRequest not supported") != NULL) {
        atomic_store(&source->lacks_protocol, true); /* seen by the next source_poll */
    }
}

/* The library's log is thrown away, but for that line. */
enum status source_listen_to_log(rd_kafka_conf_t *conf, struct err *err)
{
    char reason[512];
    if (rd_kafka_conf_set(conf, "debug", "cgrp", reason, sizeof(reason)) != RD_KAFKA_CONF_OK) {
        return err_set(err, ST_INTERNAL, "kafka property debug: %s", reason);
    }
    rd_kafka_conf_set_log_cb(conf, source_log_event);
    return ST_OK;
}

/* What the coordinator lacks is told like what it refuses. */
void source_take_log(struct source *source)
{
    if (!atomic_exchange(&source->lacks_protocol, false) ||
        source->group_refused == RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE) {
        return;
    }
    source->group_refused = RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE;
    source_report_trouble(source, source->group_refused, rd_kafka_err2str(source->group_refused));
}
