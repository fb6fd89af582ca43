#ifndef WORKER_PROBE_PROBE_H
#define WORKER_PROBE_PROBE_H

/*
 * The short-lived child that looks at a user's Kafka for the api: `penstock-worker --probe`. It
 * reads its question from descriptor 3 and writes one answer frame to descriptor 4 (protocol.h).
 */

/* Answer and return an enum protocol_exit for main to end with by _exit() (see replica.h). */
int probe_main(void);

#endif
