/*
 * Commits: asynchronous, one at a time, answered per partition. A refusal (the group has gone on
 * without us) leaves the ledger as it is; the next commit or the next reader puts it right.
 */
#include <assert.h>
#include <string.h>

#include "worker/replica/kafka/handle.h"

enum status source_commit(
    struct source *source, const struct source_commit *commits, size_t count, struct err *err)
{
    if (source->is_committing) {
        return err_set(err, ST_CONFLICT, "a commit is under way");
    }
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)count);
    for (size_t i = 0; i < count; i++) {
        assert(commits[i].slot < source_slots_count(source) && commits[i].offset >= 0);
        if (source->slots[commits[i].slot].is_gone) {
            continue; /* perhaps another topic of this name is there soon, with other records */
        }
        const rd_kafka_topic_partition_t *at = &source->assigned->elems[commits[i].slot];
        rd_kafka_topic_partition_t *item =
            rd_kafka_topic_partition_list_add(list, at->topic, at->partition);
        item->offset = commits[i].offset;
        if (commits[i].metadata != NULL) {
            /* The library frees it with the list; no memory ends the process in there. */
            item->metadata_size = strlen(commits[i].metadata);
            item->metadata = rd_kafka_mem_malloc(source->rk, item->metadata_size + 1);
            memcpy(item->metadata, commits[i].metadata, item->metadata_size + 1);
        }
    }
    if (list->cnt == 0) {
        rd_kafka_topic_partition_list_destroy(list);
        return err_set(err, ST_UNAVAILABLE, "cannot commit: the topic is gone");
    }
    rd_kafka_resp_err_t error = rd_kafka_commit(source->rk, list, 1);
    rd_kafka_topic_partition_list_destroy(list);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return err_set(err, ST_UNAVAILABLE, "cannot commit: %s", rd_kafka_err2str(error));
    }
    source->is_committing = true;
    source->committing_assignment = source->assignment;
    return ST_OK;
}

bool source_is_committing(const struct source *source)
{
    return source->is_committing;
}

void commit_event(
    rd_kafka_t *rk, rd_kafka_resp_err_t error, rd_kafka_topic_partition_list_t *offsets,
    void *opaque)
{
    (void)rk;
    struct source *source = opaque;
    source->is_committing = false;
    if (source->committing_assignment != source->assignment || offsets == NULL) {
        return;
    }
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
        source_report_trouble(source, error, "committing offsets");
        source->listener.on_commit_refused(source->listener.ctx, rd_kafka_err2name(error));
    } else {
        source_report_well(source);
    }
    for (int i = 0; i < offsets->cnt; i++) {
        const rd_kafka_topic_partition_t *done = &offsets->elems[i];
        rd_kafka_topic_partition_t *at =
            rd_kafka_topic_partition_list_find(source->assigned, done->topic, done->partition);
        if (error == RD_KAFKA_RESP_ERR_NO_ERROR && done->err == RD_KAFKA_RESP_ERR_NO_ERROR &&
            at != NULL) {
            source->slots[at - source->assigned->elems].has_commit = true;
            source->listener.on_committed(
                source->listener.ctx, (size_t)(at - source->assigned->elems), done->offset);
        }
    }
}
