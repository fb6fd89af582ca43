#ifndef WORKER_REPLICA_REPLICA_H
#define WORKER_REPLICA_REPLICA_H

/* A replica process: the room's door. */

/* Read the spec from descriptor 3, move records until SIGTERM, report on descriptor 4. Logging is
 * set up and SIGPIPE is ignored already. Returns an exit code of enum protocol_exit. */
int replica_main(void);

#endif
