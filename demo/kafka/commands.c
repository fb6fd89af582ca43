/* Lines of words into calls of cluster.h: a table of commands, one function each. */

#include "demo/kafka/commands.h"

#include <assert.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>

#include "common/base/parse.h"

enum {
    WORDS_MAX = 5
};

const char commands_help[] =
    "  topic NAME PARTITIONS        create a topic\n"
    "  down BROKER                  close a broker's listener and connections\n"
    "  up BROKER                    open it again\n"
    "  delay BROKER MS              answer later by that much; 0 ends it\n"
    "  leader TOPIC PARTITION BROKER  move a leader\n"
    "  fail APIKEY ERROR COUNT      answer the next COUNT requests of that kind with Kafka's "
    "error\n"
    "                               number; -195 disconnects\n";

typedef enum status command_function(struct cluster *cluster, char **words, struct err *err);

static enum status
int_word(const char *word, const char *what, int64_t min, int *ret_value, struct err *err)
{
    int64_t value = 0;
    if (parse_i64(word, min, INT_MAX, &value) != ST_OK) {
        return err_set(err, ST_INVALID, "%s '%s' is not a number", what, word);
    }
    *ret_value = (int)value;
    return ST_OK;
}

static enum status run_topic(struct cluster *cluster, char **words, struct err *err)
{
    int partition_count = 0;
    enum status status = int_word(words[2], "partition count", 0, &partition_count, err);
    if (status != ST_OK) {
        return status;
    }
    return cluster_create_topic(cluster, words[1], partition_count, err);
}

static enum status
run_up_or_down(struct cluster *cluster, const char *word, bool is_up, struct err *err)
{
    int broker_id = 0;
    enum status status = int_word(word, "broker", 0, &broker_id, err);
    if (status != ST_OK) {
        return status;
    }
    return cluster_set_broker_up(cluster, broker_id, is_up, err);
}

static enum status run_down(struct cluster *cluster, char **words, struct err *err)
{
    return run_up_or_down(cluster, words[1], false, err);
}

static enum status run_up(struct cluster *cluster, char **words, struct err *err)
{
    return run_up_or_down(cluster, words[1], true, err);
}

static enum status run_delay(struct cluster *cluster, char **words, struct err *err)
{
    int broker_id = 0;
    int delay_ms = 0;
    enum status status = int_word(words[1], "broker", 0, &broker_id, err);
    if (status == ST_OK) {
        status = int_word(words[2], "delay", 0, &delay_ms, err);
    }
    if (status != ST_OK) {
        return status;
    }
    return cluster_set_broker_delay(cluster, broker_id, delay_ms, err);
}

static enum status run_leader(struct cluster *cluster, char **words, struct err *err)
{
    int partition = 0;
    int broker_id = 0;
    enum status status = int_word(words[2], "partition", 0, &partition, err);
    if (status == ST_OK) {
        status = int_word(words[3], "broker", 0, &broker_id, err);
    }
    if (status != ST_OK) {
        return status;
    }
    return cluster_set_leader(cluster, words[1], partition, broker_id, err);
}

static enum status run_fail(struct cluster *cluster, char **words, struct err *err)
{
    int api_key = 0;
    int error_code = 0;
    int count = 0;
    enum status status = int_word(words[1], "api key", 0, &api_key, err);
    if (status == ST_OK) {
        status = int_word(words[2], "error", INT16_MIN, &error_code, err);
    }
    if (status == ST_OK) {
        status = int_word(words[3], "count", 0, &count, err);
    }
    if (status != ST_OK) {
        return status;
    }
    if (api_key > INT16_MAX) {
        return err_set(err, ST_INVALID, "api key %d is above %d", api_key, INT16_MAX);
    }
    return cluster_fail_requests(cluster, (int16_t)api_key, error_code, count, err);
}

static const struct {
    const char *name;
    int word_count; /* the name included */
    command_function *run;
} commands[] = {
    {"topic", 3, run_topic}, {"down", 2, run_down},     {"up", 2, run_up},
    {"delay", 3, run_delay}, {"leader", 4, run_leader}, {"fail", 4, run_fail},
};

/* Cut the line into words at blanks, in place; the count, or WORDS_MAX + 1 if there are more. */
static int split_words(char *line, char *words[WORDS_MAX])
{
    int count = 0;
    char *rest = NULL;
    for (char *word = strtok_r(line, " \t\r\n", &rest); word != NULL;
         word = strtok_r(NULL, " \t\r\n", &rest)) {
        if (count == WORDS_MAX) {
            return WORDS_MAX + 1;
        }
        words[count] = word;
        count++;
    }
    return count;
}

enum status commands_run(struct cluster *cluster, char *line, struct err *err)
{
    assert(cluster != NULL && line != NULL);
    char *words[WORDS_MAX] = {NULL};
    int count = split_words(line, words);
    if (count == 0) {
        return err_set(err, ST_INVALID, "empty line");
    }
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        if (strcmp(words[0], commands[i].name) != 0) {
            continue;
        }
        if (count != commands[i].word_count) {
            return err_set(
                err, ST_INVALID, "%s takes %d words", words[0], commands[i].word_count - 1);
        }
        return commands[i].run(cluster, words, err);
    }
    return err_set(err, ST_INVALID, "unknown command '%s'", words[0]);
}

enum status commands_topic_argument(struct cluster *cluster, const char *argument, struct err *err)
{
    const char *colon = strrchr(argument, ':');
    if (colon == NULL || colon == argument ||
        (size_t)(colon - argument) > CLUSTER_TOPIC_BYTES_MAX) {
        return err_set(err, ST_INVALID, "topic '%s': must be name:partitions", argument);
    }
    char name[CLUSTER_TOPIC_BYTES_MAX + 1] = "";
    memcpy(name, argument, (size_t)(colon - argument));
    int partition_count = 0;
    enum status status = int_word(colon + 1, "partition count", 0, &partition_count, err);
    if (status != ST_OK) {
        return status;
    }
    return cluster_create_topic(cluster, name, partition_count, err);
}
