/*
 * Commits: asynchronous, one at a time, answered per partition. A refusal (the group has gone on
 * without us) leaves the ledger as it is; the next commit or the next reader puts it right.
 */
#include <assert.h>
#include <string.h>

#include "worker/replica/kafka/handle.h"

/* list: taken. */
static enum status
commit_send(struct source *source, rd_kafka_topic_partition_list_t *list, struct err *err)
{
    rd_kafka_resp_err_t error = rd_kafka_commit(source->rk, list, 1);
    rd_kafka_topic_partition_list_destroy(list);
    source->is_committing = error == RD_KAFKA_RESP_ERR_NO_ERROR;
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return err_set(err, ST_UNAVAILABLE, "cannot commit: %s", rd_kafka_err2str(error));
    }
    return ST_OK;
}

/* The slot of an item of a list; source_slots_count if it is none. */
static size_t commit_slot(const struct source *source, const rd_kafka_topic_partition_t *item)
{
    const rd_kafka_topic_partition_t *at =
        rd_kafka_topic_partition_list_find(source->assigned, item->topic, item->partition);
    return at == NULL ? source_slots_count(source) : (size_t)(at - source->assigned->elems);
}

/*
 * Kafka forgets a group's offsets together with a topic, and they never expire under a member. So
 * an offset that was there and is not says for certain that the topic was made again, which the
 * library (2.0.2 and 2.16.0 alike) does not tell when the new topic is longer than the old offset.
 * A commit would write the old offset into the new topic: so it is looked at before.
 */
static bool
commit_needs_look(const struct source *source, const rd_kafka_topic_partition_list_t *list)
{
    for (int i = 0; i < list->cnt; i++) {
        if (source->slots[commit_slot(source, &list->elems[i])].has_commit) {
            return true;
        }
    }
    return false;
}

/* list: taken. */
static enum status
commit_look(struct source *source, rd_kafka_topic_partition_list_t *list, struct err *err)
{
    struct helper_job *job = helper_job_new(HELPER_COMMITTED);
    if (job == NULL) {
        rd_kafka_topic_partition_list_destroy(list);
        return err_set(err, ST_NO_MEMORY, "no memory for a commit");
    }
    job->assignment = source->assignment;
    job->partitions = rd_kafka_topic_partition_list_new(list->cnt);
    for (int i = 0; i < list->cnt; i++) {
        const rd_kafka_topic_partition_t *item = &list->elems[i];
        rd_kafka_topic_partition_list_add(job->partitions, item->topic, item->partition);
    }
    source->commit_list = list;
    source->is_committing = true;
    helper_post(source->helper, job);
    return ST_OK;
}

/* Partitions whose offset is gone leave the commit: their bounds are asked for first. */
static void commit_drop_recreated(struct source *source, const struct helper_job *job)
{
    for (int i = 0; i < job->partitions->cnt; i++) {
        const rd_kafka_topic_partition_t *item = &job->partitions->elems[i];
        size_t slot = commit_slot(source, item);
        if (slot < source_slots_count(source) && source->slots[slot].has_commit &&
            job->committed[i] < 0) {
            source->slots[slot].is_gone = true;
            source_ask_bounds(source, slot);
            rd_kafka_topic_partition_list_del(source->commit_list, item->topic, item->partition);
        }
    }
}

void commit_looked(struct source *source, const struct helper_job *job)
{
    rd_kafka_topic_partition_list_t *list = source->commit_list;
    source->is_committing = false;
    if (job->assignment == source->assignment && job->error == RD_KAFKA_RESP_ERR_NO_ERROR) {
        commit_drop_recreated(source, job);
    }
    source->commit_list = NULL;
    if (job->assignment != source->assignment) {
        rd_kafka_topic_partition_list_destroy(list); /* its next reader starts at the last commit */
        return;
    }
    struct err err = {.text = "the topic was made again"};
    enum status st = ST_UNAVAILABLE;
    if (list->cnt > 0) {
        st = commit_send(source, list, &err); /* a coordinator that is away refuses that, too */
    } else {
        rd_kafka_topic_partition_list_destroy(list);
    }
    if (st != ST_OK) {
        source->listener.on_commit_refused(source->listener.ctx, err.text);
    }
}

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
    source->committing_assignment = source->assignment;
    if (commit_needs_look(source, list)) {
        return commit_look(source, list, err);
    }
    return commit_send(source, list, err);
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
