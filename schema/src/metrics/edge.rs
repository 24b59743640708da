//! What an edge answers to the exporter's probe of it: each sample is about the probe's own requests.

use super::Metric;
use super::declare::metrics;

metrics! {
    /// Every metric of the edge probe.
    EDGE;

    gauge EDGE_UP "edge_up" [] "1 if the edge answered any request of this scrape, else 0.";
    counter EDGE_PROBES "edge_probes_total" ["outcome"] "Requests of the probe, by how the edge answered them as its headers tell.";
    counter EDGE_RESPONSES "edge_probe_responses_total" ["code"] "Responses to the probe, by HTTP status.";
    counter EDGE_BYTES "edge_probe_body_bytes_total" ["outcome"] "Bytes of response bodies that the probe read.";
    counter EDGE_CUT "edge_probe_cut_bodies_total" [] "Responses whose body was longer than the probe reads.";
    histogram EDGE_FIRST_BYTE "edge_probe_first_byte_seconds" ["outcome"] "Time from the start of the probe's request, connection included, to the head of the response.";
    gauge EDGE_PATH_UP "edge_path_up" ["path"] "1 if the edge answered the request for this path in this scrape with a status below 400, else 0.";
    gauge EDGE_PATH_AGE "edge_path_age_seconds" ["path"] "Age of the response by its own header, where it has one.";
}
