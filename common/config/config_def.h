#ifndef COMMON_CONFIG_CONFIG_DEF_H
#define COMMON_CONFIG_CONFIG_DEF_H

/*
 * Every setting of both programs, one row each: there is no setting that is not here. The row ID
 * is read by the name PENSTOCK_<ID> and by the program as CONFIG_<ID>.
 *
 * X(ID, type, default, shown default, min, max, unit, programs, sentence)
 *   type: TEXT, PATH, SECRET (masked, kept as struct secret), INT and NUMBER (min..max), BOOL,
 *         CHOICE (words in the unit column, "|" between).
 *   default: "" = not set unless the environment or the file says so.
 *   shown default: what people read in the README where the default is not a plain value.
 *   programs: API, WORKER or BOTH.
 */

/* clang-format off */
#define CONFIG_TABLE(X) \
    X(DATABASE_URL, SECRET, "", "–", 0, 0, "", BOTH, \
      "PostgreSQL, as a libpq connection string or URI; required.") \
    X(DATABASE_TIMEOUT_MS, INT, "10000", "10000", 100, 600000, "ms", BOTH, \
      "Longest time to connect to PostgreSQL and for one statement.") \
    X(DATABASE_POOL_SIZE, INT, "8", "8", 1, 64, "connections", API, \
      "Connections to PostgreSQL that the api keeps.") \
    X(SECRET_KEY_FILE, PATH, "", "–", 0, 0, "", BOTH, \
      "File with one base64 32-byte key per line, newest first; opens the stored credentials.") \
    X(SECRET_KEY, SECRET, "", "–", 0, 0, "", BOTH, \
      "The same keys as a value (commas between), where no file can be given.") \
    X(LISTEN, TEXT, "127.0.0.1:8088", "127.0.0.1:8088", 0, 0, "address:port", API, \
      "Address the api serves on; `[::1]:8088` works, port 0 takes a free one.") \
    X(TLS_CERT_FILE, PATH, "", "–", 0, 0, "", API, \
      "PEM certificate chain: serve HTTPS; read again on SIGHUP.") \
    X(TLS_KEY_FILE, PATH, "", "–", 0, 0, "", API, \
      "PEM private key of the certificate; read again on SIGHUP.") \
    X(ALLOW_PLAIN_HTTP, BOOL, "0", "0", 0, 1, "", BOTH, \
      "Serve plain HTTP on an address that is not loopback (behind a proxy that ends TLS).") \
    X(TRUST_PROXY, BOOL, "0", "0", 0, 1, "", API, \
      "Believe `X-Forwarded-Proto` and `X-Forwarded-Host` where an answer holds an address: only " \
      "behind a proxy that sets both itself.") \
    X(MAX_BODY_BYTES, INT, "4194304", "4194304", 1024, 67108864, "bytes", API, \
      "Largest request body; a larger one is answered 413.") \
    X(MAX_CONNECTIONS, INT, "256", "256", 16, 4096, "connections", API, \
      "Connections at once, a thread each; when they run out, the one that waits for its client " \
      "longest is closed.") \
    X(RATE_LIMIT_REQUESTS, INT, "0", "0", 0, 1000000, "requests", API, \
      "Requests one key may make in `PENSTOCK_RATE_LIMIT_WINDOW_S` (of this api process); more " \
      "are answered 429. 0 = any number.") \
    X(RATE_LIMIT_WINDOW_S, INT, "10", "10", 1, 86400, "s", API, \
      "Time in which a key gets its `PENSTOCK_RATE_LIMIT_REQUESTS` again, evenly.") \
    X(CLICKHOUSE_LOG, BOOL, "1", "1", 0, 1, "", API, \
      "Copy each pipe's events into the table `clickpipes_log` of its destination's database, " \
      "where the service's user may make it.") \
    X(HOST_ID, TEXT, "", "host name", 0, 0, "", WORKER, \
      "The worker's name in leases; must differ between hosts.") \
    X(WORKER_MEMORY_GB, NUMBER, "", "what the machine has", 0, 65536, "GB", WORKER, \
      "Memory the worker offers to replicas; 0 = unlimited.") \
    X(WORKER_CPU_MILLICORES, INT, "", "what the machine has", 0, 10000000, "millicores", WORKER, \
      "CPU the worker offers to replicas; 0 = unlimited.") \
    X(WORKER_LIMITS, CHOICE, "all", "all", 0, 0, "all|memory|off", WORKER, \
      "What of a pipe's replicaMemoryGb and replicaCpuMillicores is enforced: by control groups " \
      "where the worker may make them, else by data segment and priority.") \
    X(WORKER_METRICS_LISTEN, TEXT, "", "off", 0, 0, "address:port", WORKER, \
      "Serve Prometheus text of this host's replicas at /metrics; plain HTTP.") \
    X(LEASE_S, INT, "15", "15", 2, 3600, "s", WORKER, \
      "A dead host's replicas run elsewhere within this time and 5 s more; a replica whose " \
      "supervisor is silent this long drains and ends.") \
    X(LOG_LEVEL, CHOICE, "info", "info", 0, 0, "error|warn|info|debug", BOTH, \
      "How much is logged on stderr.") \
    X(LOG_FORMAT, CHOICE, "", "text on a terminal, else json", 0, 0, "text|json", BOTH, \
      "Form of a log line.")
/* clang-format on */

#endif
