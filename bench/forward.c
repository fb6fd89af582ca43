/*
 * penstock-bench-forward: what generic shippers do, for comparison. Reads a whole topic like the
 * replica and posts the messages untouched, a line each, as JSONEachRow in LZ4 frames, 100,000
 * lines a request, one request at a time. Prints CPU per message and bytes sent.
 */
#include <curl/curl.h>
#include <lz4frame.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/topic.h"

enum {
    LINES_PER_REQUEST = 100000,
    UPLOAD_BUFFER_BYTES = 2 << 20,
    LEAST_BYTES = 1 << 20,
};

struct forward {
    CURL *curl;
    char *lines; /* owned */
    size_t len;
    size_t capacity;
    char *body; /* owned: compressed lines */
    size_t body_capacity;
    long long count; /* of lines */
    unsigned long long wire_bytes;
    int has_failed;
};

static size_t grown(size_t capacity, size_t needed)
{
    size_t size = capacity == 0 ? LEAST_BYTES : capacity;
    while (size < needed) {
        size *= 2;
    }
    return size;
}

static void post(struct forward *f)
{
    size_t bound = LZ4F_compressFrameBound(f->len, NULL);
    if (bound > f->body_capacity) {
        free(f->body);
        f->body_capacity = grown(f->body_capacity, bound);
        f->body = malloc(f->body_capacity);
    }
    size_t len = f->body == NULL ? 0 : LZ4F_compressFrame(f->body, bound, f->lines, f->len, NULL);
    if (f->body == NULL || LZ4F_isError(len)) {
        f->has_failed = 1;
        return;
    }
    curl_easy_setopt(f->curl, CURLOPT_POSTFIELDS, f->body);
    curl_easy_setopt(f->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)len);
    CURLcode code = curl_easy_perform(f->curl);
    long status = 0;
    curl_easy_getinfo(f->curl, CURLINFO_RESPONSE_CODE, &status);
    if (code != CURLE_OK || status != 200) {
        (void)fprintf(
            stderr, "penstock-bench-forward: %s, HTTP %ld\n", curl_easy_strerror(code), status);
        f->has_failed = 1;
    }
    f->wire_bytes += len;
    f->len = 0;
    f->count = 0;
}

static void take(void *ctx, const uint8_t *value, size_t len)
{
    struct forward *f = ctx;
    if (f->len + len + 1 > f->capacity) {
        f->capacity = grown(f->capacity, f->len + len + 1);
        char *lines = realloc(f->lines, f->capacity);
        if (lines == NULL) {
            f->has_failed = 1;
            return;
        }
        f->lines = lines;
    }
    memcpy(f->lines + f->len, value, len);
    f->lines[f->len + len] = '\n';
    f->len += len + 1;
    f->count++;
    if (f->count == LINES_PER_REQUEST) {
        post(f);
    }
}

static size_t ignore(char *data, size_t size, size_t count, void *ctx)
{
    (void)data;
    (void)ctx;
    return size * count;
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        (void)fprintf(stderr, "usage: penstock-bench-forward BROKERS TOPIC COUNT URL\n");
        return 2;
    }
    struct forward f = {.curl = curl_easy_init()};
    struct topic_reader *reader = topic_open("penstock-bench-forward", argv[1], argv[2]);
    if (reader == NULL || f.curl == NULL) {
        return 1;
    }
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Encoding: lz4");
    headers = curl_slist_append(headers, "Expect:");
    curl_easy_setopt(f.curl, CURLOPT_URL, argv[4]);
    curl_easy_setopt(f.curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(f.curl, CURLOPT_UPLOAD_BUFFERSIZE, (long)UPLOAD_BUFFER_BYTES);
    curl_easy_setopt(f.curl, CURLOPT_WRITEFUNCTION, ignore);
    long long wanted = strtoll(argv[3], NULL, 10);
    long long count = topic_read(reader, wanted, take, &f);
    if (f.count > 0) {
        post(&f);
    }
    double used_s = process_cpu_s();
    double messages = (double)(count > 0 ? count : 1);
    printf(
        "{\"count\":%lld,\"nsPerMessage\":%.1f,\"wireBytesPerMessage\":%.1f,\"peakRssKb\":%ld}\n",
        count, used_s * 1e9 / messages, (double)f.wire_bytes / messages, process_peak_kb());
    (void)fflush(stdout); /* a lost line shows as a failed run */
    topic_close(reader);
    _Exit(count >= wanted && !f.has_failed ? 0 : 1);
}
