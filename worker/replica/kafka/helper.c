/*
 * One thread, one queue of questions, one of answers, one lock. The thread waits on a condition;
 * a kick is only a flag, so that any number of them between two rounds is one. Signals are blocked
 * in it: the loop reads them from its signalfd.
 */
#include "worker/replica/kafka/helper.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"

#include "worker/replica/kafka/ask.h"

enum {
    LEADERS_FRESH_MS = 30000, /* how long the list of leaders is believed */
};

struct helper {
    struct ask ask; /* the thread's own */
    int event_fd;
    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t wake;
    struct helper_job *questions; /* oldest first */
    struct helper_job *answers;
    bool is_kick_wanted;
};

struct helper_job *helper_job_new(enum helper_kind kind)
{
    struct helper_job *job = calloc(1, sizeof(*job));
    if (job != NULL) {
        job->kind = kind;
        job->low = -1;
        job->high = -1;
    }
    return job;
}

void helper_job_free(struct helper_job *job)
{
    if (job == NULL) {
        return;
    }
    if (job->messages != NULL) {
        for (int i = 0; i < job->partitions->cnt; i++) {
            if (job->messages[i] != NULL) {
                rd_kafka_message_destroy(job->messages[i]);
            }
        }
        free(job->messages);
    }
    if (job->partitions != NULL) {
        rd_kafka_topic_partition_list_destroy(job->partitions);
    }
    free(job->committed);
    free(job);
}

static void job_append(struct helper_job **list, struct helper_job *job)
{
    job->next = NULL;
    while (*list != NULL) {
        list = &(*list)->next;
    }
    *list = job;
}

static struct helper_job *job_pop(struct helper_job **list)
{
    struct helper_job *job = *list;
    if (job != NULL) {
        *list = job->next;
        job->next = NULL;
    }
    return job;
}

static void helper_answer(struct helper *helper, struct helper_job *job)
{
    switch (job->kind) {
    case HELPER_CHECK:
        ask_topics(&helper->ask, job);
        break;
    case HELPER_OFFSETS:
        ask_offsets(&helper->ask, job);
        break;
    case HELPER_COMMITTED:
        ask_committed(&helper->ask, job);
        break;
    case HELPER_BOUNDS:
        ask_bounds(&helper->ask, job);
        break;
    case HELPER_READ:
        ask_records(&helper->ask, job);
        break;
    }
}

static void *helper_run(void *argument)
{
    struct helper *helper = argument;
    (void)pthread_mutex_lock(&helper->lock); /* cannot fail on an initialised lock */
    for (;;) {
        while (helper->questions == NULL && !helper->is_kick_wanted) {
            (void)pthread_cond_wait(&helper->wake, &helper->lock); /* spurious wakes are fine */
        }
        struct helper_job *job = job_pop(&helper->questions);
        helper->is_kick_wanted = false;
        (void)pthread_mutex_unlock(&helper->lock); /* held above */
        if (job != NULL) {
            helper_answer(helper, job);
        } else {
            ask_kick(&helper->ask, clock_monotonic_ms(), LEADERS_FRESH_MS);
        }
        (void)pthread_mutex_lock(&helper->lock); /* as above */
        if (job != NULL) {
            job_append(&helper->answers, job);
            uint64_t one = 1;
            ssize_t written = write(helper->event_fd, &one, sizeof(one));
            (void)written; /* full means that the reader is awake already */
        }
    }
    return NULL;
}

enum status
helper_start(const struct helper_params *params, struct helper **ret_helper, struct err *err)
{
    struct helper *helper = calloc(1, sizeof(*helper));
    if (helper == NULL) {
        return err_set(err, ST_NO_MEMORY, "no memory for the kafka helper");
    }
    enum status st = ask_init(&helper->ask, params, err);
    if (st != ST_OK) {
        free(helper);
        return st;
    }
    helper->event_fd = params->event_fd;
    (void)pthread_mutex_init(&helper->lock, NULL); /* never fails with default attributes */
    (void)pthread_cond_init(&helper->wake, NULL);  /* likewise */
    sigset_t all;
    sigset_t before;
    (void)sigfillset(&all);                            /* cannot fail */
    (void)pthread_sigmask(SIG_SETMASK, &all, &before); /* the set is valid */
    pthread_t thread;
    int failed = pthread_create(&thread, NULL, helper_run, helper);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL); /* likewise */
    if (failed != 0) {
        ask_done(&helper->ask);
        free(helper);
        return err_errno(err, ST_INTERNAL, failed, "cannot start the kafka helper thread");
    }
    (void)pthread_detach(thread); /* it was just made */
    *ret_helper = helper;
    return ST_OK;
}

void helper_post(struct helper *helper, struct helper_job *job)
{
    assert(job != NULL);
    (void)pthread_mutex_lock(&helper->lock); /* cannot fail on an initialised lock */
    job_append(&helper->questions, job);
    (void)pthread_cond_signal(&helper->wake);  /* never fails */
    (void)pthread_mutex_unlock(&helper->lock); /* held */
}

struct helper_job *helper_take(struct helper *helper)
{
    (void)pthread_mutex_lock(&helper->lock); /* cannot fail on an initialised lock */
    struct helper_job *job = job_pop(&helper->answers);
    (void)pthread_mutex_unlock(&helper->lock); /* held */
    return job;
}

void helper_kick(struct helper *helper)
{
    (void)pthread_mutex_lock(&helper->lock); /* cannot fail on an initialised lock */
    helper->is_kick_wanted = true;
    (void)pthread_cond_signal(&helper->wake);  /* never fails */
    (void)pthread_mutex_unlock(&helper->lock); /* held */
}
