/*
 * Pipe source → librdkafka properties. Each number below has its reason beside it; "2.0.2"
 * there is the version of librdkafka that was measured.
 */
#include "worker/replica/kafka/conf.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/base/buf.h"
#include "common/base/secret.h"

#include "worker/replica/kafka/aws_login.h"

enum {
    BROKERS_MAX_BYTES = 64 * 1024,
    BROKER_MAX_BYTES = 512,
    PORT_KAFKA = 9092,
    PORT_EVENT_HUBS = 9093,
    PORT_MSK_IAM = 9098, /* docs.aws.amazon.com/msk/latest/developerguide/port-info.html */
};

enum protocol {
    PROTOCOL_PLAINTEXT,
    PROTOCOL_SSL,
    PROTOCOL_SASL_PLAINTEXT,
    PROTOCOL_SASL_SSL,
};

static const struct {
    const char *scheme; /* also Kafka's own name of the protocol */
    const char *property_value;
} protocols[] = {
    [PROTOCOL_PLAINTEXT] = {"PLAINTEXT", "plaintext"},
    [PROTOCOL_SSL] = {"SSL", "ssl"},
    [PROTOCOL_SASL_PLAINTEXT] = {"SASL_PLAINTEXT", "sasl_plaintext"},
    [PROTOCOL_SASL_SSL] = {"SASL_SSL", "sasl_ssl"},
};

/* Fixed properties of every connection. */
static const struct {
    const char *name;
    const char *value;
} connection_defaults[] = {
    {"socket.keepalive.enable", "true"},
    {"socket.nagle.disable", "true"},
    {"socket.connection.setup.timeout.ms", "10000"},
    /* A restarted broker is found again within two seconds, not ten. */
    {"reconnect.backoff.ms", "100"},
    {"reconnect.backoff.max.ms", "2000"},
    {"log.connection.close", "false"},
    {"allow.auto.create.topics", "false"},
};

static const struct {
    const char *name;
    const char *value;
} consumer_defaults[] = {
    {"enable.auto.commit", "false"},
    {"enable.auto.offset.store", "false"},
    /* Every partition is assigned with an explicit offset, so this answers only to offsets that
     * are gone: the gap must be noticed. */
    {"auto.offset.reset", "error"},
    {"check.crcs", "true"},
    {"max.poll.interval.ms", "300000"},
    /* A broker answers as soon as there is a record; this is how often it answers that there is
     * none, which is half of what an idle replica costs at 50 ms. librdkafka's mock cluster looks
     * for records only after it. */
    {"fetch.wait.max.ms", "500"},
    {"fetch.error.backoff.ms", "200"},
    {"fetch.message.max.bytes", "1048576"},
    /* One record larger than this still comes whole: the first batch is always sent. */
    {"fetch.max.bytes", "16777216"},
    {"receive.message.max.bytes", "115343360"},
    /* The limit in bytes is the one that counts. */
    {"queued.min.messages", "100000"},
    {"topic.metadata.refresh.interval.ms", "30000"},
    {"statistics.interval.ms", "0"},
    {"enable.partition.eof", "false"},
};

/* Of members of a classic group; with KIP-848 the broker decides about these. */
static const struct {
    const char *name;
    const char *value;
} classic_defaults[] = {
    /* A dead member's partitions move on after this; 6 s is the least that brokers allow. */
    {"session.timeout.ms", "6000"},
    {"heartbeat.interval.ms", "1500"},
};

/* The second of an eager pair is for the time when not all members have the new setting yet. */
static const struct {
    const char *strategy;
    const char *remote; /* the broker's own assignor of that kind */
} assignors[] = {
    [PIPE_ASSIGNOR_RANGE] = {"range,roundrobin", "range"},
    [PIPE_ASSIGNOR_ROUNDROBIN] = {"roundrobin,range", "uniform"},
    [PIPE_ASSIGNOR_COOPERATIVE_STICKY] = {"cooperative-sticky", "uniform"},
};

static enum status
conf_add(struct kafka_conf *conf, const char *name, const char *value, struct err *err)
{
    assert(conf->count < KAFKA_CONF_PROPERTIES_MAX);
    char *copy = strdup(value);
    if (copy == NULL) {
        return err_set(err, ST_NO_MEMORY, "no memory for kafka property %s", name);
    }
    conf->items[conf->count].name = name;
    conf->items[conf->count].value = copy;
    conf->count++;
    return ST_OK;
}

static enum status
conf_add_number(struct kafka_conf *conf, const char *name, uint64_t value, struct err *err)
{
    char text[32];
    (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)value); /* 32 always suffice */
    return conf_add(conf, name, text, err);
}

/* Length of a "<scheme>://" prefix and its protocol; 0 if there is none. ST_INVALID if unknown. */
static enum status broker_scheme(
    const char *item, size_t len_bytes, size_t *ret_len_bytes, enum protocol *ret_protocol)
{
    const char *mark = memmem(item, len_bytes, "://", 3);
    if (mark == NULL) {
        *ret_len_bytes = 0;
        return ST_OK;
    }
    size_t scheme_bytes = (size_t)(mark - item);
    for (size_t i = 0; i < ARRAY_LEN(protocols); i++) {
        if (strlen(protocols[i].scheme) == scheme_bytes &&
            strncasecmp(item, protocols[i].scheme, scheme_bytes) == 0) {
            *ret_len_bytes = scheme_bytes + 3;
            *ret_protocol = (enum protocol)i;
            return ST_OK;
        }
    }
    return ST_INVALID;
}

/* True if "host" or "[v6]" lacks ":port". */
static bool broker_lacks_port(const char *address, size_t len_bytes)
{
    const char *bracket = memrchr(address, ']', len_bytes);
    const char *colon = memrchr(address, ':', len_bytes);
    if (bracket != NULL) {
        return colon == NULL || colon < bracket;
    }
    return colon == NULL;
}

struct broker_list {
    struct buf text; /* host:port,host:port */
    bool has_scheme;
    enum protocol protocol; /* if has_scheme */
    int default_port;
    size_t count;
};

static enum status
broker_list_add(struct broker_list *list, const char *item, size_t len_bytes, struct err *err)
{
    size_t scheme_bytes = 0;
    enum protocol protocol = PROTOCOL_PLAINTEXT;
    int shown_bytes = (int)(len_bytes > BROKER_MAX_BYTES ? BROKER_MAX_BYTES : len_bytes);
    enum status st = broker_scheme(item, len_bytes, &scheme_bytes, &protocol);
    if (st != ST_OK) {
        return err_set(
            err, ST_INVALID,
            "broker '%.*s': unknown scheme (PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL)",
            shown_bytes, item);
    }
    bool has_scheme = scheme_bytes > 0;
    if (list->count > 0 &&
        (has_scheme != list->has_scheme || (has_scheme && protocol != list->protocol))) {
        return err_set(
            err, ST_INVALID, "broker '%.*s': all brokers need the same scheme", shown_bytes, item);
    }
    const char *address = item + scheme_bytes;
    size_t address_bytes = len_bytes - scheme_bytes;
    if (address_bytes == 0 || address_bytes > BROKER_MAX_BYTES) {
        return err_set(err, ST_INVALID, "broker '%.*s': no host", shown_bytes, item);
    }
    st = buf_add_format(
        &list->text, "%s%.*s", list->count > 0 ? "," : "", (int)address_bytes, address);
    if (st == ST_OK && broker_lacks_port(address, address_bytes)) {
        st = buf_add_format(&list->text, ":%d", list->default_port);
    }
    if (st != ST_OK) {
        return err_set(err, st, "broker list is longer than %d bytes", BROKERS_MAX_BYTES);
    }
    list->has_scheme = has_scheme;
    list->protocol = protocol;
    list->count++;
    return ST_OK;
}

static enum status broker_list_read(struct broker_list *list, const char *text, struct err *err)
{
    static const char blanks[] = " \t\r\n";
    const char *at = text == NULL ? "" : text;
    while (*at != '\0') {
        at += strspn(at, blanks);
        size_t item_bytes = strcspn(at, ",");
        size_t used_bytes = item_bytes;
        while (used_bytes > 0 && strchr(blanks, at[used_bytes - 1]) != NULL) {
            used_bytes--;
        }
        if (used_bytes > 0) {
            enum status st = broker_list_add(list, at, used_bytes, err);
            if (st != ST_OK) {
                return st;
            }
        }
        at += item_bytes;
        at += *at == ',' ? 1 : 0;
    }
    if (list->count == 0) {
        return err_set(err, ST_INVALID, "no broker given");
    }
    return ST_OK;
}

/* The scheme decides; without one the login does. */
static enum protocol protocol_of(const struct kafka_source *source, const struct broker_list *list)
{
    if (list->has_scheme) {
        return list->protocol;
    }
    switch (source->authentication) {
    case KAFKA_AUTH_NONE:
        return PROTOCOL_PLAINTEXT;
    case KAFKA_AUTH_MUTUAL_TLS:
        return PROTOCOL_SSL;
    case KAFKA_AUTH_PLAIN:
    case KAFKA_AUTH_SCRAM_SHA_256:
    case KAFKA_AUTH_SCRAM_SHA_512:
    case KAFKA_AUTH_IAM_ROLE:
    case KAFKA_AUTH_IAM_USER:
        return PROTOCOL_SASL_SSL;
    }
    return PROTOCOL_PLAINTEXT; /* uncovered: the enum has no other value */
}

/* MSK's IAM login is OAUTHBEARER with tokens of our own making (token.c). */
static enum status
conf_add_iam(struct kafka_conf *conf, const struct kafka_source *source, struct err *err)
{
    const struct kafka_credentials *login = &source->credentials;
    const bool is_role = source->authentication == KAFKA_AUTH_IAM_ROLE;
    if (is_role ? source->iam_role == NULL
                : login->access_key_id == NULL || login->secret_key.bytes == NULL) {
        return err_set(
            err, ST_INVALID, "authentication %s needs %s", kafka_auth_text(source->authentication),
            is_role ? "a role" : "an access key and a secret key");
    }
    char region[AWS_REGION_BYTES];
    aws_login_region(source->brokers, region);
    const struct aws_login aws = {
        .region = region,
        .access_key_id = is_role ? "" : login->access_key_id,
        .secret_key = is_role ? "" : login->secret_key.bytes,
        .role_arn = is_role ? source->iam_role : "",
    };
    struct buf text;
    buf_init(&text, AWS_LOGIN_MAX_BYTES);
    enum status st = aws_login_write(&aws, &text, err);
    if (st == ST_OK) {
        st = conf_add(conf, "sasl.mechanism", "OAUTHBEARER", err);
    }
    if (st == ST_OK) {
        st = conf_add(conf, "sasl.oauthbearer.config", buf_text(&text), err);
    }
    secret_wipe(text.bytes, text.len_bytes);
    buf_done(&text);
    return st;
}

static enum status
conf_add_sasl(struct kafka_conf *conf, const struct kafka_source *source, struct err *err)
{
    const struct kafka_credentials *login = &source->credentials;
    const char *mechanism = "PLAIN";
    switch (source->authentication) {
    case KAFKA_AUTH_PLAIN:
        break;
    case KAFKA_AUTH_SCRAM_SHA_256:
    case KAFKA_AUTH_SCRAM_SHA_512:
        mechanism = kafka_auth_text(source->authentication);
        break;
    case KAFKA_AUTH_IAM_ROLE:
    case KAFKA_AUTH_IAM_USER:
        return conf_add_iam(conf, source, err);
    case KAFKA_AUTH_NONE:
    case KAFKA_AUTH_MUTUAL_TLS:
        if (login->connection_string.bytes == NULL) {
            return err_set(err, ST_INVALID, "a SASL broker needs authentication PLAIN or SCRAM");
        }
        break;
    }
    const char *username = login->username;
    const char *password = login->password.bytes;
    /* Event Hubs: the connection string is the password of this user, documented by Azure in
     * "Use Apache Kafka with Event Hubs". */
    if (login->connection_string.bytes != NULL) {
        username = "$ConnectionString";
        password = login->connection_string.bytes;
    }
    if (username == NULL || password == NULL) {
        return err_set(
            err, ST_INVALID, "authentication %s needs a user name and a password",
            kafka_auth_text(source->authentication));
    }
    enum status st = conf_add(conf, "sasl.mechanism", mechanism, err);
    if (st == ST_OK) {
        st = conf_add(conf, "sasl.username", username, err);
    }
    if (st == ST_OK) {
        st = conf_add(conf, "sasl.password", password, err);
    }
    return st;
}

static enum status
conf_add_tls(struct kafka_conf *conf, const struct kafka_source *source, struct err *err)
{
    const struct kafka_credentials *login = &source->credentials;
    enum status st = conf_add(conf, "ssl.endpoint.identification.algorithm", "https", err);
    if (st == ST_OK && source->ca_certificate != NULL) {
        st = conf_add(conf, "ssl.ca.pem", source->ca_certificate, err);
    }
    if (st != ST_OK || source->authentication != KAFKA_AUTH_MUTUAL_TLS) {
        return st;
    }
    if (login->certificate_pem == NULL || login->private_key_pem.bytes == NULL) {
        return err_set(
            err, ST_INVALID, "authentication MUTUAL_TLS needs a certificate and a private key");
    }
    st = conf_add(conf, "ssl.certificate.pem", login->certificate_pem, err);
    if (st == ST_OK) {
        st = conf_add(conf, "ssl.key.pem", login->private_key_pem.bytes, err);
    }
    return st;
}

static enum status conf_fill_connection(
    struct kafka_conf *conf, const struct kafka_source *source, const struct broker_list *list,
    struct err *err)
{
    enum protocol protocol = protocol_of(source, list);
    enum status st = conf_add(conf, "bootstrap.servers", buf_text(&list->text), err);
    if (st == ST_OK) {
        st = conf_add(conf, "security.protocol", protocols[protocol].property_value, err);
    }
    for (size_t i = 0; st == ST_OK && i < ARRAY_LEN(connection_defaults); i++) {
        st = conf_add(conf, connection_defaults[i].name, connection_defaults[i].value, err);
    }
    if (st == ST_OK && (protocol == PROTOCOL_SASL_PLAINTEXT || protocol == PROTOCOL_SASL_SSL)) {
        st = conf_add_sasl(conf, source, err);
    }
    if (st == ST_OK && (protocol == PROTOCOL_SSL || protocol == PROTOCOL_SASL_SSL)) {
        st = conf_add_tls(conf, source, err);
    }
    return st;
}

/* The port of a broker that is given without one. */
static int default_port(const struct kafka_source *source)
{
    if (source->type == KAFKA_TYPE_AZUREEVENTHUB) {
        return PORT_EVENT_HUBS;
    }
    const bool is_iam = source->authentication == KAFKA_AUTH_IAM_USER ||
                        source->authentication == KAFKA_AUTH_IAM_ROLE;
    return is_iam ? PORT_MSK_IAM : PORT_KAFKA;
}

enum status kafka_conf_connection(
    const struct kafka_source *source, const char *client_id, struct kafka_conf *ret_conf,
    struct err *err)
{
    struct kafka_conf conf = {.count = 0};
    struct broker_list list = {.default_port = default_port(source)};
    buf_init(&list.text, BROKERS_MAX_BYTES);
    enum status st = broker_list_read(&list, source->brokers, err);
    if (st == ST_OK) {
        st = conf_add(&conf, "client.id", client_id, err);
    }
    if (st == ST_OK) {
        st = conf_fill_connection(&conf, source, &list, err);
    }
    buf_done(&list.text);
    if (st != ST_OK) {
        kafka_conf_done(&conf);
        return st;
    }
    *ret_conf = conf;
    return ST_OK;
}

static enum status conf_add_membership(
    struct kafka_conf *conf, const struct kafka_conf_consumer *consumer, struct err *err)
{
    enum status st = ST_OK;
    if (consumer->instance_id != NULL) {
        st = conf_add(conf, "group.instance.id", consumer->instance_id, err);
    }
    if (st == ST_OK && consumer->protocol == PIPE_GROUP_CONSUMER) {
        /* Not set for classic groups: 2.0.2 knows neither name. */
        st = conf_add(conf, "group.protocol", "consumer", err);
        return st != ST_OK
                   ? st
                   : conf_add(
                         conf, "group.remote.assignor", assignors[consumer->assignor].remote, err);
    }
    if (st == ST_OK) {
        const char *strategy = assignors[consumer->assignor].strategy;
        st = conf_add(conf, "partition.assignment.strategy", strategy, err);
    }
    for (size_t i = 0; st == ST_OK && i < ARRAY_LEN(classic_defaults); i++) {
        st = conf_add(conf, classic_defaults[i].name, classic_defaults[i].value, err);
    }
    return st;
}

enum status kafka_conf_add_consumer(
    struct kafka_conf *conf, const struct kafka_conf_consumer *consumer, struct err *err)
{
    enum status st = conf_add(conf, "group.id", consumer->group_id, err);
    for (size_t i = 0; st == ST_OK && i < ARRAY_LEN(consumer_defaults); i++) {
        st = conf_add(conf, consumer_defaults[i].name, consumer_defaults[i].value, err);
    }
    if (st == ST_OK) {
        st = conf_add(
            conf, "isolation.level",
            consumer->is_read_committed ? "read_committed" : "read_uncommitted", err);
    }
    if (st == ST_OK) {
        st = conf_add_membership(conf, consumer, err);
    }
    if (st == ST_OK) {
        uint64_t prefetch_kbytes = consumer->prefetch_bytes / 1024;
        st = conf_add_number(
            conf, "queued.max.messages.kbytes", prefetch_kbytes == 0 ? 1 : prefetch_kbytes, err);
    }
    return st;
}

const char *kafka_conf_get(const struct kafka_conf *conf, const char *name)
{
    for (size_t i = 0; i < conf->count; i++) {
        if (strcmp(conf->items[i].name, name) == 0) {
            return conf->items[i].value;
        }
    }
    return NULL;
}

void kafka_conf_done(struct kafka_conf *conf)
{
    for (size_t i = 0; i < conf->count; i++) {
        secret_wipe(conf->items[i].value, strlen(conf->items[i].value));
        free(conf->items[i].value);
    }
    conf->count = 0;
}
