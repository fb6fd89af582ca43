#ifndef WORKER_PROBE_PROBE_H
#define WORKER_PROBE_PROBE_H

/* A probe process: the room's door. */

/* Read the question from descriptor 3, write one answer frame to descriptor 4, end. Logging is set
 * up and SIGPIPE is ignored already. Returns an exit code of enum protocol_exit. */
int probe_main(void);

#endif
