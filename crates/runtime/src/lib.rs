//! The thin shell: sockets, threads, timers, the CDR file, signals.
