/*
 * penstock-bench-consume: the floor of the replica's cost. Reads a whole topic with librdkafka's
 * callback queue and the settings of the replica, does nothing with the records, and prints how
 * much CPU the process used per message.
 */
#include <stdio.h>
#include <stdlib.h>

#include "bench/topic.h"

int main(int argc, char **argv)
{
    if (argc != 4) {
        (void)fprintf(stderr, "usage: penstock-bench-consume BROKERS TOPIC COUNT\n");
        return 2;
    }
    struct topic_reader *reader = topic_open("penstock-bench-consume", argv[1], argv[2]);
    if (reader == NULL) {
        return 1;
    }
    long long wanted = strtoll(argv[3], NULL, 10);
    long long count = topic_read(reader, wanted, NULL, NULL);
    double used_s = process_cpu_s();
    printf(
        "{\"count\":%lld,\"cpuSeconds\":%.6f,\"nsPerMessage\":%.1f,\"peakRssKb\":%ld}\n", count,
        used_s, used_s * 1e9 / (double)(count > 0 ? count : 1), process_peak_kb());
    (void)fflush(stdout); /* a lost line shows as a failed run */
    topic_close(reader);
    _Exit(count >= wanted ? 0 : 1);
}
