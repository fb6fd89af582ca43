/* Properties into rd_kafka_conf_t. A refused value is named, unless it may be a secret. */
#include "worker/replica/kafka/client.h"

#include <string.h>
#include <sys/prctl.h>

#include "worker/replica/kafka/token.h"

static const unsigned long TIMER_SLACK_NS = 2UL * 1000 * 1000; /* the kernel's default is 50 us */

static void client_log_ignore(const rd_kafka_t *rk, int level, const char *fac, const char *buf)
{
    (void)rk;
    (void)level;
    (void)fac;
    (void)buf;
}

enum status client_conf(const struct kafka_conf *conf, rd_kafka_conf_t **ret_conf, struct err *err)
{
    rd_kafka_conf_t *made = rd_kafka_conf_new();
    if (made == NULL) {
        return err_set(err, ST_NO_MEMORY, "no memory for a kafka configuration");
    }
    char reason[512];
    for (size_t i = 0; i < conf->count; i++) {
        const struct kafka_property *property = &conf->items[i];
        rd_kafka_conf_res_t result =
            rd_kafka_conf_set(made, property->name, property->value, reason, sizeof(reason));
        if (result != RD_KAFKA_CONF_OK) {
            rd_kafka_conf_destroy(made);
            return err_set(
                err, ST_INVALID, "kafka property %s: %s", property->name,
                strstr(property->name, "pem") != NULL ||
                        strstr(property->name, "password") != NULL ||
                        strcmp(property->name, "sasl.oauthbearer.config") == 0
                    ? "the library refuses the value"
                    : reason);
        }
    }
    rd_kafka_conf_set_log_cb(made, client_log_ignore);
    if (kafka_conf_get(conf, "sasl.oauthbearer.config") != NULL) {
        token_attach(made);
    }
    *ret_conf = made;
    return ST_OK;
}

/*
 * librdkafka below 2.4.0 sleeps until up to a millisecond before its next timer and then turns in
 * circles until it is due (its issue 4684), with 7 timers a second: more than half of what an idle
 * replica costs. Woken this much later it finds the timer due. Only sleeps that run out are longer;
 * a record, an answer or a signal wakes as soon as ever. The library's threads inherit what the
 * thread that makes the handle has at that moment.
 */
static rd_kafka_t *new_with_lazy_timers(rd_kafka_conf_t *conf, char *ret_reason, size_t len_bytes)
{
    (void)prctl(PR_SET_TIMERSLACK, TIMER_SLACK_NS, 0UL, 0UL, 0UL); /* refused: it costs more */
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, ret_reason, len_bytes);
    (void)prctl(PR_SET_TIMERSLACK, 0UL, 0UL, 0UL, 0UL); /* ours is what it was */
    return rk;
}

enum status client_new(rd_kafka_conf_t *conf, rd_kafka_t **ret_rk, struct err *err)
{
    char reason[512];
    rd_kafka_t *rk = new_with_lazy_timers(conf, reason, sizeof(reason));
    if (rk == NULL) {
        rd_kafka_conf_destroy(conf);
        return err_set(err, ST_INVALID, "kafka: %s", reason);
    }
    rd_kafka_queue_t *tokens = rd_kafka_queue_get_sasl(rk);
    if (tokens != NULL) {
        rd_kafka_queue_destroy(tokens);
        rd_kafka_error_t *failed = rd_kafka_sasl_background_callbacks_enable(rk);
        if (failed != NULL) {
            enum status st = err_set(err, ST_INTERNAL, "kafka: %s", rd_kafka_error_string(failed));
            rd_kafka_error_destroy(failed);
            return st;
        }
    }
    *ret_rk = rk;
    return ST_OK;
}
