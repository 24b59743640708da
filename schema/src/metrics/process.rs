//! What a process uses of its machine, under the names that every client library gives it.

use super::Metric;
use super::declare::metrics;

metrics! {
    /// The metrics of a process.
    PROCESS;
    counter PROCESS_CPU "process_cpu_seconds_total" [] "Processor time of the process, user and system.";
    gauge PROCESS_OPEN_FDS "process_open_fds" [] "File descriptors that are open.";
    gauge PROCESS_MAX_FDS "process_max_fds" [] "Most file descriptors that may be open.";
    gauge PROCESS_VIRTUAL "process_virtual_memory_bytes" [] "Virtual memory.";
    gauge PROCESS_RESIDENT "process_resident_memory_bytes" [] "Memory that is resident.";
    gauge PROCESS_START "process_start_time_seconds" [] "Start of the process, in Unix time.";
    gauge PROCESS_THREADS "process_threads" [] "Threads of the process.";
}
